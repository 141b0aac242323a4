"""A block's forward pass that waits at each input group until its Linears are compressed, and then goes on through them.

What a group is fitted to depends on the groups before it, so every batch has to reach every group with all earlier ones
replaced. Starting over each time would compute a block's first Linears four times. Here a pass runs on a stack of its own
(a greenlet), which any architecture's forward can be left from and re-entered. While it waits it holds a few activations;
a pass for which there is no room is dropped, and starts over when it is needed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from greenlet import greenlet
from torch import nn

from harness.compression.blocks import Batch, BlockWalker

HELD_BYTES = 4 << 30  # for all passes that wait; 128 sequences of 512 tokens take 1.4 GB (135 M model) or 3.5 GB (.5 B)

Weights = Mapping[str, torch.Tensor]  # Linear -> its weight as the walker installs it


class Room:
    """The bytes that waiting passes hold at present, or would if they waited."""

    def __init__(self) -> None:
        self.held = 0


class PausedForward:
    """The pass of one batch through the loaded block `index`."""

    def __init__(self, walker: BlockWalker, index: int, batch: Batch, room: Room) -> None:
        self.walker, self.index, self.batch, self.room = walker, index, batch, room
        self.running: Any = None
        self.held = 0

    def input_of(self, names: Sequence[str], weights: Weights) -> torch.Tensor:
        """(B, T, n) what enters the Linears `names`, which share one input, with these `weights` in those before them."""
        with ExitStack() as stack:
            for name in names:  # whichever comes first
                hook = self.walker.linear(name).register_forward_pre_hook(_wait)
                stack.callback(hook.remove)
            x = self._resume(weights).reshape(*self.batch.shape, -1)
        self._hold(x.nbytes + 2 * self.batch.hidden.nbytes)  # a block's residual stream is in it twice
        return x

    def finish(self, weights: Weights) -> None:
        """The batch's hidden states become the block's output."""
        self.batch.hidden = self._resume(weights).cpu()
        self._hold(0)

    def _resume(self, weights: Weights) -> torch.Tensor:
        self.walker.install(weights)
        if self.running:
            return self.running.switch()
        self.running = greenlet(self.walker.forward)
        return self.running.switch(self.index, self.batch)

    def _hold(self, size: int) -> None:
        self.room.held += size - self.held
        self.held = size
        if self.room.held > HELD_BYTES:
            self.running = None  # a greenlet that nothing refers to unwinds its stack
            self.room.held -= size
            self.held = 0


def _wait(_: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
    greenlet.getcurrent().parent.switch(args[0])
