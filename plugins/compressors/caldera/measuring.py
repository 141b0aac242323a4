"""What the budget's solver needs to know about a model, measured with one block in memory at a time.

Output sensitivity is w = E‖g‖² / m per token, g (m,) the gradient of the summed next-token loss at a Linear's output: to
second order, with independent coordinates, an error D changes the loss by ½ w tr(D H Dᵀ), so that errors of different
Linears become comparable (the weighting of GuidedQuant, arXiv 2505.07004, averaged over outputs). A sequence counts in
that mean by its calibration weight, as it does in H. With a guided Hessian, w · tr(D H Dᵀ) is the same sum with each token
at its own weight, so that the errors remain comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.shape import input_groups, shape_of
from harness.compression.backward import squared_gradients
from harness.compression.blocks import Batch, BlockWalker, Guide
from harness.compression.heap import trim_heap
from harness.compression.measurements import PROBES
from harness.compression.pieces import write_json
from harness.compression.token_weights import token_weights
from harness.contract import LinearShape, ModelShape
from harness.contract.compression import Calibration, Progress
from harness.store.files import read_json
from harness_plugins.compressors.caldera.budget import TABLE, Budget, Measurement, reweighted


def measure(
    folder: Path, budget: Budget, calibration: Calibration, device: str, progress: Progress, scratch: Path
) -> dict[str, list[Measurement]]:
    """Linear -> its options with the error each would cause, on the original model's activations.

    The sensitivities, and then each block's part, are saved in `scratch` as soon as they are measured, and reused from
    there.
    """
    checkpoint = open_checkpoint(folder)
    shape = shape_of(checkpoint)
    walker = BlockWalker(checkpoint, device)
    some = Calibration(calibration.sequences[:PROBES], calibration.weights[:PROBES])
    sensitivity = _kept_sensitivity(walker, shape, some, scratch)
    guide = token_weights(checkpoint, calibration, device, progress) if budget.guided else None
    batches = walker.embed(calibration)
    table: dict[str, list[Measurement]] = {}
    for block in range(shape.blocks):
        linears, kept = _of_block(shape, block), scratch / f"block-{block:05d}.json"
        with walker.loaded(block):
            if kept.is_file():
                table |= TABLE.validate_json(kept.read_bytes())
            else:
                found = _measure_block(walker, block, linears, batches, budget, shape.hidden, guide)
                write_json(kept, TABLE.dump_python(found, mode="json"))
                table |= found
            walker.advance(block, batches)
        trim_heap()
        progress("measuring", block + 1, shape.blocks)
    return reweighted(table, sensitivity)


def _measure_block(
    walker: BlockWalker,
    block: int,
    linears: Sequence[LinearShape],
    batches: Sequence[Batch],
    budget: Budget,
    hidden: int,
    guide: Guide | None,
) -> dict[str, list[Measurement]]:
    """The Linears of a loaded block, with every option's tr(D H Dᵀ)."""
    sums = walker.hessians(block, batches, {linear.input_group: linear.name for linear in linears}, guide)
    table: dict[str, list[Measurement]] = {}
    for group, members in input_groups(linears):
        weights = {linear.name: _weight(walker, linear) for linear in members}
        options = {linear.name: budget.options(linear, hidden) for linear in members}
        table |= budget.measure_linears(weights, sums[group].finish(group)[0], options)
    return table


def _kept_sensitivity(
    walker: BlockWalker, shape: ModelShape, calibration: Calibration, scratch: Path
) -> dict[str, float]:
    """Linear -> w, from an earlier run that got this far, if there was one."""
    kept = scratch / "sensitivity.json"
    if not kept.is_file():
        write_json(kept, output_sensitivity(walker, shape, calibration, scratch))
    return read_json(kept)


def output_sensitivity(
    walker: BlockWalker, shape: ModelShape, calibration: Calibration, scratch: Path
) -> dict[str, float]:
    """Linear -> w."""
    batches = walker.embed(calibration)
    sums = {linear.name: 0.0 for linear in shape.linears}
    for number, squares in squared_gradients(walker, shape, batches, scratch):
        for name, found in squares.items():
            sums[name] += float((found * batches[number].weights).sum())  # padded positions weigh nothing
    weight = sum(float(batch.weights.sum()) for batch in batches)
    return {linear.name: sums[linear.name] / weight / linear.rows for linear in shape.linears}


def _weight(walker: BlockWalker, linear: LinearShape) -> torch.Tensor:
    """(rows, columns) of a loaded Linear."""
    weight = walker.linear(linear.name).weight.detach()
    return (weight.T if walker.checkpoint.transposed else weight).float().contiguous()


def _of_block(shape: ModelShape, block: int) -> Sequence[LinearShape]:
    return [linear for linear in shape.linears if linear.block == block]
