"""The gradient of a text's loss at the output of every Linear, with the weights of one block in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from harness.checkpoints.quantizer import find_linear
from harness.compression.blocks import Batch, BlockWalker, read_tensors
from harness.compression.heap import trim_heap
from harness.compression.pieces import write_tensors
from harness.contract import ModelShape
from harness.errors import ModelError


def squared_gradients(
    walker: BlockWalker, shape: ModelShape, batches: Sequence[Batch], scratch: Path
) -> Iterator[tuple[int, dict[str, torch.Tensor]]]:
    """(number of a batch, Linear of a block -> (B, T) ‖g‖²), block after block from the last, and batch after batch in each.

    g (m,) is the gradient of the summed next-token loss at the Linear's output. The batches enter block 0 and leave the last
    one. Each block's inputs are kept in `scratch`, one file per block, until the backward pass, which recomputes the block,
    has used them: in memory they would grow with the depth of the model.
    """
    for block in range(shape.blocks):
        write_tensors(_block_inputs(scratch, block), {str(index): batch.hidden for index, batch in enumerate(batches)})
        with walker.loaded(block):
            walker.advance(block, batches)
        trim_heap()
    with _head(walker):
        gradients = [_head_gradient(walker, batch) for batch in batches]
    for block in reversed(range(shape.blocks)):
        names = [linear.name for linear in shape.linears if linear.block == block]
        kept = _block_inputs(scratch, block)
        with walker.loaded(block) as module, safe_open(kept, framework="pt") as stored:
            module.requires_grad_(False)
            for index, batch in enumerate(batches):
                squares: dict[str, torch.Tensor] = {}
                inputs = stored.get_tensor(str(index)).to(walker.device).requires_grad_()
                with ExitStack() as stack:
                    for name in names:
                        hook = walker.linear(name).register_forward_hook(_keeping(squares, name, batch))
                        stack.callback(hook.remove)
                    args, kwargs = walker.calls[block, batch.shape]
                    output = module(inputs, *args, **kwargs)
                output = output[0] if isinstance(output, tuple) else output
                (gradient,) = torch.autograd.grad(output, inputs, gradients[index].to(walker.device))
                gradients[index] = gradient.cpu()
                yield index, squares
        kept.unlink()
        trim_heap()


def _block_inputs(scratch: Path, block: int) -> Path:
    """The file with the hidden states that enter a block, batch after batch: (B, T, d) each."""
    return scratch / f"inputs-{block:05d}.safetensors"


def _keeping(squares: dict[str, torch.Tensor], name: str, batch: Batch) -> Any:
    """A forward hook that puts ‖g‖² of the output's gradient at every position, 0 where padded, into squares[name]."""

    def keep(gradient: torch.Tensor) -> None:
        found = gradient.reshape(*batch.shape, -1).square().sum(dim=-1).cpu()  # (B, T)
        squares[name] = squares.get(name, 0.0) + torch.where(batch.weights > 0, found, 0.0)

    def hook(_: nn.Module, __: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        output.register_hook(keep)

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
