"""Texts that begin alike as one tree of tokens, so that one forward pass reads what they have in common once.

Each token attends to those before it on its own path, itself included, and has the position that it has there.

Shape notation: U trees, N tokens of the largest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch


class Tree:
    """The distinct beginnings of some texts: a token each, and the node before it, -1 before the first."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self._nodes: dict[tuple[int, int], int] = {}  # by parent and token

    def add(self, text: Sequence[int]) -> list[int]:
        """The nodes of a text. A parent comes before its children, and the first text's nodes are the first ones."""
        path, node = [], -1
        for token in text:
            parent, node = node, self._nodes.setdefault((node, token), len(self.tokens))
            if node == len(self.tokens):
                self.tokens.append(token)
                self.parents.append(parent)
            path.append(node)
        return path


class Planted(NamedTuple):
    """Trees as a model reads them."""

    ids: torch.Tensor  # (U, N)
    positions: torch.Tensor  # (U, N)
    sees: torch.Tensor | None  # (U, 1, N, N): which tokens each attends to; None where it is all before it


def plant(trees: Sequence[Tree], device: torch.device, *, left: bool = False) -> Planted:
    """Trees as rows, padded at their end or on the left. Padding sees itself, for some number must come out."""
    size = max(len(tree.tokens) for tree in trees)  # N
    ids, positions = np.zeros((2, len(trees), size), dtype=np.int64)
    sees = np.tile(np.eye(size, dtype=bool), (len(trees), 1, 1))
    for row, tree in enumerate(trees):
        first = size - len(tree.tokens) if left else 0
        own = slice(first, first + len(tree.tokens))
        for node, parent in enumerate(tree.parents, start=first):
            if parent >= 0:
                sees[row, node] |= sees[row, first + parent]
        ids[row, own], positions[row, own] = tree.tokens, sees[row, own].sum(axis=1) - 1
    plain = not left and all(tree.parents == list(range(-1, len(tree.tokens) - 1)) for tree in trees)
    mask = None if plain else torch.from_numpy(sees)[:, None].to(device)
    return Planted(torch.from_numpy(ids).to(device), torch.from_numpy(positions).to(device), mask)
