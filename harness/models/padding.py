"""Rows of tokens as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def pad_left(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """B rows of tokens -> ids padded on the left with `pad`, and their attention mask, each (B, L) int64."""
    length = max(map(len, rows))
    input_ids = torch.tensor([[pad] * (length - len(row)) + list(row) for row in rows])
    attention_mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows])
    return input_ids.to(device), attention_mask.to(device)


def pad_right(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The same, padded on the right."""
    length = max(map(len, rows))
    input_ids = torch.tensor([[*row, *[pad] * (length - len(row))] for row in rows])
    attention_mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return input_ids.to(device), attention_mask.to(device)
