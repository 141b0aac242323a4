"""Compress calibrated blocks: each Linear sees the inputs it will see in use, and corrects the errors of those before
it.

Within a block the groups are taken in the order of the forward pass (q/k/v, then o, then gate/up, then down). Two
streams of activations pass through the model: that of the compressed prefix, which gives the Hessians, and that of the
original model, to whose outputs each Linear is fitted. Both use one copy of the block, whose weights are swapped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.shape import input_groups
from harness.compression.blocks import BlockWalker
from harness.compression.input_groups import InputGroupJob
from harness.compression.moments import Drift, Hessian, InputStatistics
from harness.compression.pieces import Piece
from harness.contract import LinearShape
from harness.contract.compression import Calibration

Parameters = Mapping[str, nn.Parameter]  # Linear -> its weight as the architecture stores it


class CalibratedBlocks:
    """`sequential`: Hessians of the compressed prefix, else of the original model. `refit`: fit to the original outputs."""

    def __init__(
        self, checkpoint: Checkpoint, device: str, calibration: Calibration, *, sequential: bool, refit: bool
    ) -> None:
        self.walker = BlockWalker(checkpoint, device)
        self.sequential, self.refit = sequential, sequential and refit
        self.prefix = self.walker.embed(calibration)
        self.original = [replace(batch) for batch in self.prefix] if self.refit else []

    def compress(self, index: int, linears: Sequence[LinearShape], work: InputGroupJob, *, last: bool) -> Piece:
        """The shard of block `index`, made or found. Unless it is the `last`, both streams are then advanced past it."""
        piece = work.block(index)
        if piece is not None and last:
            return piece
        with self.walker.loaded(index):
            before = {linear.name: self.walker.linear(linear.name).weight for linear in linears}
            if piece is None:
                piece = self._groups(index, linears, work, before)
            after = self._parameters(work.weights_of_block(index, piece)) if self.sequential and not last else {}
            if not last:
                self._advance(index, before, after)
        return piece

    def _groups(self, index: int, linears: Sequence[LinearShape], work: InputGroupJob, before: Parameters) -> Piece:
        groups = dict(input_groups(linears))
        inputs = {group: members[0].name for group, members in groups.items()}
        after: dict[str, nn.Parameter] = {}
        pieces = {}
        for group in self.walker.forward_order(index, inputs, self.prefix[0]):
            piece = work.finished(group, groups[group])
            if piece is None:
                piece = work.compress(group, groups[group], self._seen(index, group, groups[group][0], before, after))
            if self.sequential:
                after |= self._parameters(work.weights_of_group(group, piece))
            pieces[group] = piece
        self.walker.install(before)
        return work.gather(index, pieces)

    def _seen(
        self, index: int, group: str, linear: LinearShape, before: Parameters, after: Mapping[str, nn.Parameter]
    ) -> InputStatistics:
        """The input of `linear` over all batches, the Linears before it replaced by `after`."""
        device = self.walker.device
        hessian = Hessian(linear.columns, device)
        drift = Drift(linear.columns, device) if self.refit else None
        for number, batch in enumerate(self.prefix):
            weights = batch.weights.to(device)
            self.walker.install(after)
            x = self.walker.input_of(linear.name, index, batch)  # (B, T, n)
            hessian.add(x, weights)
            if drift is not None:
                self.walker.install(before)
                drift.add(self.walker.input_of(linear.name, index, self.original[number]), x, weights)
        mean, dead = hessian.finish(group)
        return InputStatistics(mean, dead, drift.finish() if drift else None)

    def _advance(self, index: int, before: Parameters, after: Parameters) -> None:
        self.walker.advance(index, self.original)
        self.walker.install(after)
        self.walker.advance(index, self.prefix)

    def _parameters(self, weights: Mapping[str, torch.Tensor]) -> dict[str, nn.Parameter]:
        return {name: self.walker.parameter(weight) for name, weight in weights.items()}
