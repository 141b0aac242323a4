"""Which start of the Q + L·R loop ends with the smallest error, on real layers?

    OMP_NUM_THREADS=1 python benchmarks/caldera_starts.py MODEL TEXT [BLOCK …] > docs/results/caldera-starts.md

Every Linear of the blocks is compressed from each start, under the Hessian of the original model's activations on TEXT.
Rows: the geometric mean over Linears of the error E = tr(D H Dᵀ) relative to the zero start's, and for how many Linears the
start is the best. "best" tries each for three iterations and goes on with the best.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Literal

import torch

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.shape import input_groups, shape_of
from harness.compression.blocks import BlockWalker
from harness.compression.calibration import CalibrationSource, read_calibration
from harness.contract import Decision
from harness.registry.sources import resolve
from harness_plugins.compressors.caldera.allocation import default_rank
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.metric import Metric, prepare
from harness_plugins.compressors.caldera.starts import STARTS, Start

TRIED: tuple[Start | Literal["best"], ...] = (*STARTS, "best")


def layers(folder: Path, text: str, blocks: list[int]) -> Iterator[tuple[torch.Tensor, Metric]]:
    """Each Linear of the blocks with its metric."""
    for hessian, weights in inputs(folder, text, blocks):
        metric = prepare(hessian)
        for weight in weights:
            yield weight, metric


def inputs(folder: Path, text: str, blocks: list[int]) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
    """H of each input (n, n), with the Linears (m, n) that read it."""
    checkpoint = open_checkpoint(folder)
    shape = shape_of(checkpoint)
    walker = BlockWalker(checkpoint, "cpu")
    batches = walker.embed(read_calibration(CalibrationSource(source=text, sequences=32), folder))
    for block in range(max(blocks) + 1):
        linears = [linear for linear in shape.linears if linear.block == block]
        with walker.loaded(block):
            if block in blocks:
                sums = walker.hessians(block, batches, {linear.input_group: linear.name for linear in linears})
                for group, members in input_groups(linears):
                    weights = [walker.linear(one.name).weight.detach().float().contiguous() for one in members]
                    yield sums[group].finish(group)[0], weights
            walker.advance(block, batches)


def asked(model: str, text: str, *wanted: str) -> tuple[list[tuple[torch.Tensor, Metric]], list[int], int]:
    """What the command line names: Linears with their metrics, of these blocks (the first, middle and last unless it says
    which), and the rank that the presets use."""
    folder = resolve(model)
    shape = shape_of(open_checkpoint(folder))
    blocks = [int(block) for block in wanted] or [0, shape.blocks // 2, shape.blocks - 1]
    return list(layers(folder, text, blocks)), blocks, default_rank(shape.hidden)


def main() -> int:
    found, blocks, small = asked(*sys.argv[1:])
    print(f"# Starts of the Q + L·R loop, {resolve(sys.argv[1]).name}\n")
    print(f"    OMP_NUM_THREADS=1 python benchmarks/caldera_starts.py {' '.join(sys.argv[1:])}\n")
    print(f"{len(found)} Linears of blocks {', '.join(map(str, blocks))}; groups of 64, at most 15 iterations.\n")
    print("| bits | rank | factors | start | E, of the zero start's | best of all | seconds |")
    print("|---|---|---|---|---|---|---|")
    for bits, rank, factor_bits in ((2, small, 4), (2, small, 16), (2, 3 * small, 4), (3, small, 4)):
        decision = Decision(bits=bits, rank=rank, factor_bits=factor_bits)
        errors: dict[str, list[float]] = {}
        seconds: dict[str, float] = {}
        for start in TRIED:
            begun = time.monotonic()
            schedule = replace(Schedule(), start=start)
            errors[start] = [decompose(weight, metric, decision, schedule).error or 0.0 for weight, metric in found]
            seconds[start] = time.monotonic() - begun
        winners: list[str] = [min(STARTS, key=lambda start: errors[start][i]) for i in range(len(found))]
        for start in TRIED:
            ratio = math.exp(fmean(2 * math.log(a / b) for a, b in zip(errors[start], errors["zero"], strict=True)))
            won = "" if start == "best" else f"{winners.count(start)}"
            row = f"| {bits} | {rank} | {factor_bits} bit | {start} | {ratio:.3f} | {won} | {seconds[start]:.0f} |"
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
