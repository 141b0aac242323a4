"""Which replies to read first: what one group says and the others hardly do, without a label.

After Hodoscope (arXiv 2604.11072). Replies become points by the words that they use. A reply is telling where its own group is
dense and the others are not. The order is a weighted farthest-point walk, so that the second differs from the first. Groups
are arms by trainer, by compressor or by model; one alone is unlike nothing.

What is not Hodoscope's: words in place of a language model's summaries; one kernel width for all groups; a reply does not count
for its own group; and the weight is lowered where few replies stand. Without the last two any odd reply leads, whoever wrote
it, and a shuffle of the groups' names is no control.

Shapes: N replies, G groups, F hashed words, d dimensions.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

WORD = re.compile(r"\w+|[^\w\s]")
FACTORS = ("trainer", "compressor", "model")  # what groups are made by
HASHED = 2048  # F
DIMENSIONS = 3  # d
MOST = 3000  # replies; of more, each group gives at most an equal share, evenly spaced
_TINY = 1e-12
_ODD = np.uint64(0x9E3779B97F4A7C15)  # mixes a pair's first word into its second


@dataclass(frozen=True)
class Review:
    """`first`: (place, density share), in reading order. `looked`: replies that were compared."""

    first: tuple[tuple[int, float], ...] = ()
    looked: int = 0


def review(
    groups: Sequence[str], texts_of: Callable[[Sequence[int]], Sequence[str]], count: int, most: int = MOST
) -> Review:
    """At most `count` samples to read first. `texts_of`: ascending places -> what was said there, "" where nothing was.

    Empty where fewer than two groups say something.
    """
    asked = balanced(groups, most)
    said = [(at, text) for at, text in zip(asked, texts_of(asked), strict=True) if text.strip()]
    owners = [groups[at] for at, _ in said]
    if len(set(owners)) < 2:
        return Review(looked=len(said))
    where = points([text for _, text in said])
    shares, weights = telling(where, owners)
    first = tuple((said[at][0], float(shares[at])) for at in reading_order(where, weights, count))
    return Review(first, len(said))


def balanced(groups: Sequence[str], most: int = MOST) -> list[int]:
    """The places of at most `most` replies, as many of each group as the smallest share allows."""
    places: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        places.setdefault(group, []).append(at)
    share = max(1, most // max(1, len(places)))
    kept = [at for found in places.values() for at in _spaced(found, share)]
    return sorted(kept[:most])  # more groups than that: the first ones alone


def _spaced(found: list[int], share: int) -> list[int]:
    return [found[int(at)] for at in np.linspace(0, len(found) - 1, min(share, len(found)))]


def points(texts: Sequence[str], dimensions: int = DIMENSIONS) -> np.ndarray:
    """(N, d): words and pairs of words, hashed, weighed by how rare they are, then the first principal components."""
    counts = np.stack([_counted(text) for text in texts])  # (N, F)
    rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0)))  # (F,)
    weighed = np.log1p(counts) * rarity
    weighed /= np.linalg.norm(weighed, axis=1, keepdims=True) + _TINY
    # Rounded, so that equal texts stand in equal places whichever rows a matrix product takes together.
    return principal(weighed - weighed.mean(axis=0), dimensions).round(6)


def _counted(text: str) -> np.ndarray:
    """(F,): how often each hashed word and pair of words stands in the text."""
    words = np.array([_number(word) for word in WORD.findall(text)], dtype=np.uint64)
    pairs = words[:-1] * _ODD + words[1:]  # modulo 2^64
    return np.bincount((np.concatenate([words, pairs]) % HASHED).astype(np.intp), minlength=HASHED)


@lru_cache(maxsize=100_000)
def _number(word: str) -> int:
    return zlib.crc32(word.encode(errors="replace"))


def principal(centred: np.ndarray, dimensions: int) -> np.ndarray:
    """(N, F) -> (N, d), through whichever product of the two is the smaller matrix."""
    if len(centred) > centred.shape[1]:
        _, vectors = np.linalg.eigh(centred.T @ centred)  # ascending
        return centred @ vectors[:, ::-1][:, :dimensions]
    values, vectors = np.linalg.eigh(centred @ centred.T)
    return (vectors * np.sqrt(values.clip(0)))[:, ::-1][:, :dimensions]


def telling(places: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(N,), (N,): each reply's density share, and its weight in the reading order.

    `own`: the other replies of its group near it, each counted by a Gaussian kernel of width 1.06 · the least spread of an
    axis · n^−.2, n the mean size of a group. `others`: the mean of the other groups there, scaled to the own group's size.
    The share is (own − others) / (own + others + 1), from −1 to 1. The weight is less by half a standard error,
    ½ / √(own + others + 1).
    """
    names = list(dict.fromkeys(groups))
    owner = np.array([names.index(group) for group in groups])
    sizes = np.bincount(owner)
    width = max(1.06 * float(places.std(axis=0).min()) * float(sizes.mean()) ** -0.2, 1e-3)
    near = np.exp(-_squared_distances(places) / (2 * width**2)) @ np.eye(len(names))[owner]  # (N, G)
    mine = np.arange(len(places)), owner
    own = near[mine] - 1
    near[mine] = 0
    others = (near / sizes).sum(axis=1) / max(1, len(names) - 1) * (sizes[owner] - 1)
    seen = own + others + 1
    share = (own - others) / seen
    return share, share - 0.5 / np.sqrt(seen)


def _squared_distances(places: np.ndarray) -> np.ndarray:
    """(N, d) -> (N, N)."""
    lengths = (places**2).sum(axis=1)
    return (lengths[:, None] + lengths[None, :] - 2 * places @ places.T).clip(0)


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
