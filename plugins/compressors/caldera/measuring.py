"""What the budget's solver needs to know about a model, measured with one block in memory at a time.

Output sensitivity is w = E‖g‖² / m per token, g (m,) the gradient of the summed next-token loss at a Linear's output: to
second order, with independent coordinates, an error D changes the loss by ½ w tr(D H Dᵀ), so that errors of different
Linears become comparable (the weighting of GuidedQuant, arXiv 2505.07004, averaged over outputs). A sequence counts in
that mean by its calibration weight, as it does in H.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.quantizer import find_linear
from harness.checkpoints.shape import input_groups, shape_of
from harness.compression.blocks import Batch, BlockWalker, read_tensors
from harness.compression.heap import trim_heap
from harness.compression.measurements import PROBES
from harness.compression.pieces import write_json, write_tensors
from harness.contract import LinearShape, ModelShape
from harness.contract.compression import Calibration, Progress
from harness.errors import ModelError
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
    batches = walker.embed(calibration)
    table: dict[str, list[Measurement]] = {}
    for block in range(shape.blocks):
        linears, kept = _of_block(shape, block), scratch / f"block-{block:05d}.json"
        with walker.loaded(block):
            if kept.is_file():
                table |= TABLE.validate_json(kept.read_bytes())
            else:
                found = _measure_block(walker, block, linears, batches, budget, shape.hidden)
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
) -> dict[str, list[Measurement]]:
    """The Linears of a loaded block, with every option's tr(D H Dᵀ)."""
    sums = walker.hessians(block, batches, {linear.input_group: linear.name for linear in linears})
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
    """Linear -> w, by a forward pass that keeps each block's inputs and a backward pass that recomputes each block.

    The inputs are kept in `scratch`, one file per block, until the backward pass has used them: in memory they would
    grow with the depth of the model.
    """
    batches = walker.embed(calibration)
    for block in range(shape.blocks):
        write_tensors(_block_inputs(scratch, block), {str(index): batch.hidden for index, batch in enumerate(batches)})
        with walker.loaded(block):
            walker.advance(block, batches)
        trim_heap()
    with _head(walker):
        gradients = [_head_gradient(walker, batch) for batch in batches]
    sensitivity: dict[str, float] = {}
    for block in reversed(range(shape.blocks)):
        linears = _of_block(shape, block)
        sums = dict.fromkeys((linear.name for linear in linears), 0.0)
        kept = _block_inputs(scratch, block)
        with walker.loaded(block) as module, safe_open(kept, framework="pt") as stored:
            module.requires_grad_(False)
            for index, batch in enumerate(batches):
                inputs = stored.get_tensor(str(index)).to(walker.device).requires_grad_()
                with ExitStack() as stack:
                    for linear in linears:
                        hook = walker.linear(linear.name).register_forward_hook(_summing(sums, linear.name, batch))
                        stack.callback(hook.remove)
                    args, kwargs = walker.calls[block, batch.shape]
                    output = module(inputs, *args, **kwargs)
                output = output[0] if isinstance(output, tuple) else output
                (gradient,) = torch.autograd.grad(output, inputs, gradients[index].to(walker.device))
                gradients[index] = gradient.cpu()
        kept.unlink()
        trim_heap()
        weight = sum(float(batch.weights.sum()) for batch in batches)
        sensitivity |= {linear.name: sums[linear.name] / weight / linear.rows for linear in linears}
    return sensitivity


def _block_inputs(scratch: Path, block: int) -> Path:
    """The file with the hidden states that enter a block, batch after batch: (B, T, d) each."""
    return scratch / f"inputs-{block:05d}.safetensors"


def _summing(sums: dict[str, float], name: str, batch: Batch) -> Any:
    """A forward hook that adds ‖g‖² of the output's gradient, weighted and summed over positions, to sums[name]."""

    def add(gradient: torch.Tensor) -> None:
        squares = gradient.reshape(*batch.shape, -1).square().sum(dim=-1)  # (B, T)
        sums[name] += float((squares * batch.weights.to(squares.device)).sum())  # padded positions weigh nothing

    def hook(_: nn.Module, __: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        output.register_hook(add)

    return hook


def _head_gradient(walker: BlockWalker, batch: Batch) -> torch.Tensor:
    """(B, T, d) gradient of the summed next-token loss at the last block's output, with the blocks bypassed."""
    leaf = batch.hidden.to(walker.device).requires_grad_()
    with ExitStack() as stack:
        for index, block in enumerate(walker.blocks):
            stack.enter_context(_bypassed(block, leaf if index == 0 else None))
        logits = walker.model(input_ids=batch.tokens.to(walker.device), use_cache=False).logits  # (B, T, V)
    real = batch.weights.to(walker.device) > 0
    both = real[:, 1:] & real[:, :-1]
    loss = nn.functional.cross_entropy(
        logits[:, :-1][both].float(), batch.tokens.to(walker.device)[:, 1:][both], reduction="sum"
    )
    (gradient,) = torch.autograd.grad(loss, leaf)
    return gradient.cpu()


@contextmanager
def _bypassed(block: nn.Module, value: torch.Tensor | None) -> Iterator[None]:
    """The block returns `value`, or its input."""

    def forward(hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return hidden_states if value is None else value

    block.forward = forward
    try:
        yield
    finally:
        del block.forward


@contextmanager
def _head(walker: BlockWalker) -> Iterator[None]:
    """All tensors outside the blocks in memory, a tied output head included."""
    filled: list[nn.Module] = []
    for name, tensor in read_tensors(walker.checkpoint, walker.checkpoint.outside_blocks()):
        owner, _, leaf = name.rpartition(".")
        try:
            module = find_linear(walker.model, owner)[2]
        except ModelError:
            continue  # a tensor that the architecture does not use
        if leaf in dict(module.named_parameters(recurse=False)):
            setattr(module, leaf, nn.Parameter(tensor.to(walker.device, torch.float32), requires_grad=False))
            filled.append(module)
    walker.model.tie_weights()
    try:
        yield
    finally:
        for module in filled:
            module.to_empty(device="meta", recurse=False)
        walker.model.tie_weights()


def _weight(walker: BlockWalker, linear: LinearShape) -> torch.Tensor:
    """(rows, columns) of a loaded Linear."""
    weight = walker.linear(linear.name).weight.detach()
    return (weight.T if walker.checkpoint.transposed else weight).float().contiguous()


def _of_block(shape: ModelShape, block: int) -> Sequence[LinearShape]:
    return [linear for linear in shape.linears if linear.block == block]
