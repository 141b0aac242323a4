"""Compress calibrated blocks: each Linear sees the inputs it will see in use, and corrects the errors of those before
it.

Within a block the groups are taken in the order of the forward pass (q/k/v, then o, then gate/up, then down). Two
streams of activations pass through the model: that of the compressed prefix, which gives the Hessians, and that of the
original model, to whose outputs each Linear is fitted. Both use one copy of the block, whose weights are swapped, and pass
through it once, waiting at each group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.shape import input_groups
from harness.compression.blocks import BlockWalker, Guide
from harness.compression.input_groups import InputGroupJob
from harness.compression.moments import Drift, Hessian, InputStatistics
from harness.compression.paused import PausedForward, Room, Weights
from harness.compression.pieces import Piece
from harness.contract import LinearShape
from harness.contract.compression import Calibration


class CalibratedBlocks:
    """`sequential`: Hessians of the compressed prefix, else of the original model. `refit`: fit to the original outputs.
    `guide`: what each token counts in them."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str,
        calibration: Calibration,
        *,
        sequential: bool,
        refit: bool,
        guide: Guide | None = None,
    ) -> None:
        self.guide = guide
        self.walker = BlockWalker(checkpoint, device)
        self.sequential, self.refit = sequential, sequential and refit
        self.prefix = self.walker.embed(calibration)
        self.original = [replace(batch) for batch in self.prefix] if self.refit else []

    def compress(self, index: int, linears: Sequence[LinearShape], work: InputGroupJob, *, last: bool) -> Piece:
        """The shard of block `index`, made or found. Unless it is the `last`, both streams are then advanced past it."""
        piece = work.block(index)
        if piece is not None and last:
            return piece
        room = Room()
        prefix, original = (
            [PausedForward(self.walker, index, batch, room) for batch in batches]
            for batches in (self.prefix, self.original)
        )
        with self.walker.loaded(index):
            before = {linear.name: self.walker.taken(linear.name) for linear in linears}
            if piece is None:
                piece = self._groups(index, linears, work, before, prefix, original)
            if not last:
                after = self._prepared(work.weights_of_block(index, piece)) if self.sequential else before
                for stream, weights in ((original, before), (prefix, after)):
                    for one in stream:
                        one.finish(weights)
        return piece

    def _groups(
        self,
        index: int,
        linears: Sequence[LinearShape],
        work: InputGroupJob,
        before: Weights,
        prefix: Sequence[PausedForward],
        original: Sequence[PausedForward],
    ) -> Piece:
        groups = dict(input_groups(linears))
        inputs = {group: members[0].name for group, members in groups.items()}
        after = dict(before)
        pieces = {}
        for group in self.walker.forward_order(index, inputs, self.prefix[0]):
            piece = work.finished(group, groups[group])
            if piece is None:
                fitted = self.refit and any(work.compressor.makes_up(linear) for linear in groups[group])
                seen = self._seen(group, groups[group], before, after, prefix, original if fitted else ())
                piece = work.compress(group, groups[group], seen)
            if self.sequential:
                after |= self._prepared(work.weights_of_group(group, piece))
            pieces[group] = piece
        return work.gather(index, pieces)

    def _seen(
        self,
        group: str,
        members: Sequence[LinearShape],
        before: Weights,
        after: Weights,
        prefix: Sequence[PausedForward],
        original: Sequence[PausedForward],
    ) -> InputStatistics:
        """The input of the group's `members` over all batches: from the prefix with weights `after`, and what it was in the
        `original` model, if that is given."""
        names, columns, device = [linear.name for linear in members], members[0].columns, self.walker.device
        hessian = Hessian(columns, device)
        drift = Drift(columns, device) if original else None
        for number, one in enumerate(prefix):
            weights = (self.guide(group, number) if self.guide else one.batch.weights).to(device)
            x = one.input_of(names, after)  # (B, T, n)
            hessian.add(x, weights)
            if drift is not None:
                drift.add(original[number].input_of(names, before), x, weights)
        mean, dead = hessian.finish(group)
        return InputStatistics(mean, dead, drift.finish() if drift else None)

    def _prepared(self, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`weights` are taken out one by one, so that a block's are not in memory in both forms."""
        return {name: self.walker.prepared(name, weights.pop(name)) for name in list(weights)}
