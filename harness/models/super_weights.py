"""Super weights: single numbers of early MLP output projections without which a model is lost (arXiv 2411.07191).

One forward pass of any prompt finds candidates: where one channel of a projection's input and one of its output tower over all
others, the weight that joins them does it. A screen says so of the block, so that its damage is not put down to depth.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from harness.contract import Record
from harness.models.load import load

PROMPT = "The quick brown fox jumps over the lazy dog, and then the story begins."
KINDS = ("down_proj", "c_proj", "fc2", "dense_4h_to_h")
SPIKE = 50.0  # times the median magnitude, on both sides: candidates elsewhere are ordinary


class SuperWeight(Record):
    """W[row, column] of a Linear; both magnitudes are the largest over tokens, relative to the median of their side."""

    linear: str
    row: int
    column: int
    input_spike: float
    output_spike: float


def super_weights(folder: Path, device: str = "cpu", dtype: str = "auto") -> list[SuperWeight]:
    """The candidates, the most towering first."""
    loaded = load(folder, device, dtype)
    found: list[SuperWeight] = []

    def watch(name: str) -> Any:
        def hook(_: torch.nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            (column, before), (row, after) = _peak(args[0]), _peak(output)
            if min(before, after) >= SPIKE:
                found.append(SuperWeight(linear=name, row=row, column=column, input_spike=before, output_spike=after))

        return hook

    ids = loaded.tokenizer(PROMPT, return_tensors="pt")["input_ids"].to(loaded.device)
    with ExitStack() as stack, torch.inference_mode():
        for name, module in loaded.model.named_modules():
            if name.rpartition(".")[2] in KINDS and "mlp" in name:
                stack.callback(module.register_forward_hook(watch(name)).remove)
        loaded.model(input_ids=ids, use_cache=False)
    return sorted(found, key=lambda one: -min(one.input_spike, one.output_spike))


def _peak(x: torch.Tensor) -> tuple[int, float]:
    """(channel of the largest magnitude, that over the median magnitude) of x (B, T, n)."""
    sizes = x.float().abs().flatten(0, -2)  # (T, n)
    place = int(sizes.argmax())
    return place % sizes.shape[1], float(sizes.max() / sizes.median().clamp_min(1e-12))
