"""Rows of tokens as tensors, and how many of them one forward pass reads."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import torch

# Of one forward pass on a CPU, padding counted. What Linears pass on then mostly lies on the heap: by more nothing is gained,
# and fresh pages cost more than products (harness/compression/heap.py).
CPU_TOKENS = 512


def passes(lengths: Sequence[int], device: torch.device, elsewhere: int = sys.maxsize) -> Iterator[slice]:
    """Consecutive rows of these lengths, as many as one forward pass should read: CPU_TOKENS padded tokens on a CPU,
    `elsewhere` on another device, or one row."""
    limit = CPU_TOKENS if device.type == "cpu" else elsewhere
    start = longest = 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        if row > start and (row + 1 - start) * longest > limit:
            yield slice(start, row)
            start, longest = row, length
    if lengths:
        yield slice(start, len(lengths))


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
