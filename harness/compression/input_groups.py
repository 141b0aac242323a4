"""From an input group to a piece on disk, and from a block's pieces to its shard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.manifest import LinearEntry
from harness.checkpoints.packed_tensors import from_tensors, parts_of, to_tensors
from harness.checkpoints.shape import input_groups, lenders
from harness.compression.blocks import read_tensors
from harness.compression.moments import InputStatistics
from harness.compression.pieces import Piece, read_piece, write_piece
from harness.contract import Compressor, Decisions, LinearShape
from harness.errors import PluginError


@dataclass
class InputGroupJob:
    """Where the pieces are stored, and how one is made. `resumed` counts the Linears found finished."""

    checkpoint: Checkpoint
    compressor: Compressor
    decisions: Decisions
    out: Path
    partial: Path
    run: str
    resumed: int = 0

    def block(self, index: int) -> Piece | None:
        """The shard of a finished block."""
        piece = read_piece(*self._block_files(index), self.run)
        self.resumed += len(piece.linears) if piece else 0
        return piece

    def finished(self, group: str, members: Sequence[LinearShape]) -> Piece | None:
        """The group's piece, if an earlier run has left it."""
        piece = read_piece(*self._group_files(group), self.run)
        self.resumed += len(members) if piece else 0
        return piece

    def uncalibrated_block(self, index: int, linears: Sequence[LinearShape]) -> Piece:
        """Compress the groups that are not finished, without a Hessian, and gather the block."""
        pieces = {
            group: self.finished(group, members) or self.compress(group, members)
            for group, members in input_groups(linears)
        }
        return self.gather(index, pieces)

    def gather(self, index: int, pieces: Mapping[str, Piece]) -> Piece:
        """One shard of the block's groups and its other tensors; the groups' own files go."""
        entries = {name: entry for piece in pieces.values() for name, entry in piece.linears.items()}
        tensors: dict[str, torch.Tensor] = {}
        for group in pieces:
            tensors.update(load_file(self._group_files(group)[0]))
        untouched = [name for name in self.checkpoint.of_block(index) if name.removesuffix(".weight") not in entries]
        tensors.update(read_tensors(self.checkpoint, untouched))
        shard = write_piece(*self._block_files(index), self.run, tensors, entries)
        for group in pieces:
            for file in self._group_files(group):
                file.unlink(missing_ok=True)
        return shard

    def weights_of_group(self, group: str, piece: Piece) -> dict[str, torch.Tensor]:
        """Name -> Ŵ (rows, columns) float32 of a finished group."""
        return _dequantize(self._group_files(group)[0], piece)

    def weights_of_block(self, index: int, piece: Piece) -> dict[str, torch.Tensor]:
        """Name -> Ŵ (rows, columns) float32 of the compressed Linears of a gathered block."""
        return _dequantize(self._block_files(index)[0], piece)

    def compress(self, group: str, linears: Sequence[LinearShape], seen: InputStatistics | None = None) -> Piece:
        """Write the piece of one group, whose input calibration has `seen`."""
        begun = time.monotonic()
        hessian = seen.hessian if seen else None
        device = "cpu" if hessian is None else hessian.device
        weights = {linear.name: self._weight(linear).to(device) for linear in linears}
        if seen:
            weights = seen.targets(weights, {linear.name: self.compressor.makes_up(linear) for linear in linears})
            seen.drift = None  # as large as the Hessian, and no longer needed
        results = self.compressor.compress_linears(weights, hessian, {name: self.decisions[name] for name in weights})
        if results.keys() != weights.keys():
            raise PluginError(
                f"the compressor returned {sorted(results)} for {sorted(weights)}", "a bug in the compressor"
            )
        seconds = (time.monotonic() - begun) / len(linears)
        tensors: dict[str, torch.Tensor] = {}
        entries: dict[str, LinearEntry] = {}
        for linear in linears:
            result = results[linear.name]
            if getattr(result, "decision", None) != self.decisions[linear.name]:
                raise PluginError(f"{linear.name} was not compressed as planned", "a bug in the compressor")
            stored = to_tensors(result, linear.rows, linear.columns)
            tensors.update({f"{linear.name}.{suffix}": tensor for suffix, tensor in stored.items()})
            entries[linear.name] = LinearEntry(
                block=linear.block,
                rows=linear.rows,
                columns=linear.columns,
                decision=result.decision,
                seed=result.seed,
                error=result.error,
                trace=tuple(result.trace),
                damping=result.damping,
                start=result.start,
                seconds=seconds,
                dead_columns=seen.dead_columns if seen else 0,
                base=self.checkpoint.tensors[f"{linear.name}.weight"].sha256(),
                bits=sum(8 * tensor.numel() * tensor.element_size() for tensor in stored.values()),
            )
        return write_piece(*self._group_files(group), self.run, tensors, entries)

    def _weight(self, linear: LinearShape) -> torch.Tensor:
        """(rows, columns) float32."""
        ((_, weight),) = read_tensors(self.checkpoint, [f"{linear.name}.weight"])
        return (weight.T if self.checkpoint.transposed else weight).float().contiguous()

    def _group_files(self, group: str) -> tuple[Path, Path]:
        return self.partial / f"{group}.safetensors", self.partial / f"{group}.json"

    def _block_files(self, index: int) -> tuple[Path, Path]:
        return self.out / f"block-{index:05d}.safetensors", self.partial / f"block-{index:05d}.json"


def _dequantize(file: Path, piece: Piece) -> dict[str, torch.Tensor]:
    tensors = load_file(file)
    weights = {}
    lent_by = lenders({name: entry.decision for name, entry in piece.linears.items()})
    for name, entry in piece.linears.items():
        parts = parts_of(tensors, name, lent_by.get(name))
        weights[name] = from_tensors(parts, entry.decision, entry.rows, entry.columns, entry.seed).dequantize()
    return weights
