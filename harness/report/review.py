"""Which replies to read first: what one group says and the others hardly do, without a label.

After Hodoscope (arXiv 2604.11072). Replies become points by the words that they use; each group has a density there. A reply is
telling where its own group is dense and the others are not. They are put in the order of a weighted farthest-point walk, so
that the second differs from the first. Groups are arms by trainer, by compressor or by model; one alone is unlike nothing.

Shapes: N replies, F hashed words, d dimensions.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Sequence

import numpy as np

WORD = re.compile(r"\w+|[^\w\s]")
HASHED = 2048  # F
DIMENSIONS = 3  # d
MOST = 3000  # replies; of more, each group gives an equal share, evenly spaced
_TINY = 1e-12


def balanced(groups: Sequence[str], most: int = MOST) -> list[int]:
    """The places of at most `most` replies, as many of each group as the smallest share allows."""
    places = {group: [at for at, one in enumerate(groups) if one == group] for group in dict.fromkeys(groups)}
    share = max(1, most // max(1, len(places)))
    kept = [at for found in places.values() for at in _spaced(found, share)]
    return sorted(kept)


def _spaced(found: list[int], share: int) -> list[int]:
    return [found[int(at)] for at in np.linspace(0, len(found) - 1, min(share, len(found)))]


def points(texts: Sequence[str], dimensions: int = DIMENSIONS) -> np.ndarray:
    """(N, d): words and pairs of words, hashed, weighed by how rare they are, then the first principal components."""
    counts = np.zeros((len(texts), HASHED), dtype=np.float32)  # (N, F)
    for row, text in zip(counts, texts, strict=True):
        words = WORD.findall(text)
        for word in (*words, *map(" ".join, itertools.pairwise(words))):
            row[zlib.crc32(word.encode(errors="replace")) % HASHED] += 1
    rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0)))  # (F,)
    weighed = np.log1p(counts) * rarity
    weighed /= np.linalg.norm(weighed, axis=1, keepdims=True) + _TINY
    centred = weighed - weighed.mean(axis=0)
    _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))  # ascending
    return centred @ vectors[:, ::-1][:, :dimensions]


def telling(places: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """(N,): the density of a reply's own group where it stands, less the mean of the others' there, as a share of their sum.

    Gaussian kernels of width 1.06 · the least spread of an axis · n^−.2 for a group of n.
    """
    names = list(dict.fromkeys(groups))
    owner = np.array([names.index(group) for group in groups])
    density = np.stack([_density(places, places[owner == at]) for at in range(len(names))])  # (G, N)
    own = density[owner, np.arange(len(places))]
    others = (density.sum(axis=0) - own) / max(1, len(names) - 1)
    return (own - others) / (own + others + _TINY)


def _density(at: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(N, d) places, (n, d) members of one group -> (N,)."""
    spread = of.std(axis=0).min() if len(of) > 1 else 0.0
    width = max(1.06 * float(spread) * len(of) ** -0.2, 1e-3)
    distances = ((at[:, None, :] - of[None, :, :]) ** 2).sum(axis=2)  # (N, n)
    return np.exp(-distances / (2 * width**2)).mean(axis=1) / width ** at.shape[1]


def reading_order(places: np.ndarray, weights: np.ndarray, count: int) -> list[int]:
    """The most telling reply, then each time the one whose weight times its distance to those before is largest. Ends where
    nothing new is telling: neither negative weights nor what has been read already."""
    left = np.clip(weights, 0, None)
    order: list[int] = []
    nearest = np.full(len(places), np.inf)
    while len(order) < min(count, len(places)):
        worth = left if not order else left * nearest
        best = int(worth.argmax())
        if worth[best] <= 0:
            break
        order.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(places - places[best], axis=1))
    return order


def most_telling(texts: Sequence[str], groups: Sequence[str], count: int) -> list[tuple[int, float]]:
    """(place, how telling) of at most `count` replies, in reading order. Empty with fewer than two groups."""
    if len(set(groups)) < 2:
        return []
    kept = balanced(groups)
    where = points([texts[at] for at in kept])
    weights = telling(where, [groups[at] for at in kept])
    return [(kept[at], float(weights[at])) for at in reading_order(where, weights, count)]
