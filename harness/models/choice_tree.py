"""Score the continuations of a text in one forward pass: the text, and what continuations begin with, are read once.

Shape notation: U texts in one pass, K tokens of the most continuations and the last of their text, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from harness.models.padding import passes
from harness.models.trees import Tree, plant


@torch.inference_mode()
def score_trees(
    model: Any, texts: Sequence[Sequence[int]], choices: Sequence[Sequence[Sequence[int]]], device: torch.device
) -> list[list[float]]:
    """The log-likelihood of each text's continuations, in nats summed over their tokens.

    For models that can be decoded row by row: they take a mask and positions, and attend to everything before.
    """
    trees = [Tree() for _ in texts]
    for tree, text in zip(trees, texts, strict=True):
        tree.add(text)
    paths = [
        [tree.add([*text, *continuation])[len(text) :] for continuation in own]
        for tree, text, own in zip(trees, texts, choices, strict=True)
    ]
    return [
        scored
        for part in passes([len(tree.tokens) for tree in trees], device)
        for scored in _scored(model, trees[part], texts[part], paths[part], device)
    ]


def _scored(
    model: Any,
    trees: Sequence[Tree],
    texts: Sequence[Sequence[int]],
    paths: Sequence[Sequence[Sequence[int]]],
    device: torch.device,
) -> list[list[float]]:
    """The same of trees that are read together, with the nodes of their continuations."""
    ids, positions, sees = plant(trees, device, left=True)
    lengths = [len(tree.tokens) - len(text) + 1 for tree, text in zip(trees, texts, strict=True)]
    logits = model(
        input_ids=ids, position_ids=positions, attention_mask=sees, use_cache=False, logits_to_keep=max(lengths)
    ).logits  # (U, K, V)
    return [
        _totals(tree, len(text), row[-length:], own)
        for tree, text, row, length, own in zip(trees, texts, logits, lengths, paths, strict=True)
    ]


def _totals(tree: Tree, text: int, logits: torch.Tensor, paths: Sequence[Sequence[int]]) -> list[float]:
    """Logits of the last of a text's tokens and of all nodes after it -> the log-likelihood of each path."""
    parents = torch.tensor(tree.parents[text:], device=logits.device) - (text - 1)
    tokens = torch.tensor(tree.tokens[text:], device=logits.device)
    scored = logits.float().log_softmax(dim=-1)[parents, tokens].double().cpu()  # by node after the text
    return [float(scored[torch.tensor(path) - text].sum()) for path in paths]
