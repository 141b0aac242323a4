"""Score the continuations of a text in one forward pass, every token once: a text and its continuations are a tree.

Each token attends to those before it on its own path, itself included, and has the position that it has there. What
continuations begin with is read once, as is the text. The rows of a batch are trees, padded at their beginning.

Shape notation: U texts, N tokens of the largest tree, K those of its continuations and the text's last, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass
class Tree:
    """The distinct tokens of a text with its continuations; a node's parent comes before it."""

    text: int  # its length
    tokens: list[int]
    parents: list[int]
    paths: list[list[int]] = field(default_factory=list)  # nodes of each continuation

    @classmethod
    def of(cls, text: Sequence[int], continuations: Sequence[Sequence[int]]) -> Tree:
        tree = cls(len(text), list(text), list(range(-1, len(text) - 1)))
        nodes: dict[tuple[int, int], int] = {}  # by parent and token
        for continuation in continuations:
            path, node = [], tree.text - 1
            for token in continuation:
                parent, node = node, nodes.setdefault((node, token), len(tree.tokens))
                if node == len(tree.tokens):
                    tree.tokens.append(token)
                    tree.parents.append(parent)
                path.append(node)
            tree.paths.append(path)
        return tree


@torch.inference_mode()
def score_trees(model: Any, trees: Sequence[Tree], device: torch.device) -> list[list[float]]:
    """The log-likelihood of each tree's continuations, in nats summed over their tokens.

    For models that take a mask and positions and attend to everything before: those that can be decoded row by row.
    """
    size = max(len(tree.tokens) for tree in trees)  # N
    kept = max(len(tree.tokens) - tree.text + 1 for tree in trees)  # K
    ids = torch.zeros(len(trees), size, dtype=torch.int64)
    positions = torch.zeros_like(ids)
    sees = torch.eye(size, dtype=torch.bool).repeat(len(trees), 1, 1)  # padding sees itself: some number must come out
    for row, tree in enumerate(trees):
        first = size - len(tree.tokens)
        ids[row, first:] = torch.tensor(tree.tokens)
        sees[row, first : first + tree.text, first : first + tree.text] = True
        sees[row].tril_()
        for node in range(tree.text, len(tree.tokens)):
            sees[row, first + node] |= sees[row, first + tree.parents[node]]
        positions[row, first:] = sees[row, first:].sum(dim=1) - 1
    logits = model(
        input_ids=ids.to(device),
        position_ids=positions.to(device),
        attention_mask=sees[:, None].to(device),
        use_cache=False,
        logits_to_keep=kept,
    ).logits  # (U, K, V)
    return [_totals(tree, row[-(len(tree.tokens) - tree.text + 1) :]) for tree, row in zip(trees, logits, strict=True)]


def _totals(tree: Tree, logits: torch.Tensor) -> list[float]:
    """Logits of the text's last token and of all after it -> the continuations' log-likelihoods."""
    last = tree.text - 1
    parents = torch.tensor(tree.parents[tree.text :], device=logits.device) - last
    tokens = torch.tensor(tree.tokens[tree.text :], device=logits.device)
    scored = logits.float().log_softmax(dim=-1)[parents, tokens].double().cpu()  # by node after the text
    return [float(scored[torch.tensor(path) - tree.text].sum()) for path in tree.paths]
