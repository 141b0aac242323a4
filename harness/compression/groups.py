"""From one group of Linears to a piece on disk, and from a block's pieces to its shard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from harness.checkpoint import Checkpoint, groups_of
from harness.compression.blocks import read_tensors
from harness.compression.manifest import LinearEntry
from harness.compression.pieces import Piece, read_piece, write_piece
from harness.contract import Compressor, Decisions, LinearShape
from harness.errors import ModelError, PluginError
from harness.models.artefact import from_tensors, to_tensors

Hessians = Mapping[str, tuple[torch.Tensor, int]]  # group -> (mean of x xᵀ, dead columns)


@dataclass
class GroupWork:
    """Where pieces lie, and how one is made. `resumed` counts the Linears found finished."""

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

    def finished(self, group: str) -> Piece | None:
        return read_piece(*self._group_files(group), self.run)

    def finish_block(self, index: int, linears: Sequence[LinearShape], hessians: Hessians) -> Piece:
        """Compress the groups that are not finished and gather the block's tensors into one shard."""
        pieces = {}
        for group, members in groups_of(linears):
            piece = self.finished(group)
            self.resumed += len(members) if piece else 0
            pieces[group] = piece or self._compress(group, members, *hessians.get(group, (None, 0)))
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

    def dequantize(self, index: int, linears: Sequence[LinearShape], piece: Piece) -> dict[str, torch.Tensor]:
        """Name -> Ŵ (rows, columns) float32 of the block's compressed Linears, from its shard."""
        tensors = load_file(self._block_files(index)[0])
        weights = {}
        for linear in linears:
            own = {key.removeprefix(f"{linear.name}."): value for key, value in tensors.items()}
            entry = piece.linears[linear.name]
            qlr = from_tensors(own, entry.decision, linear.rows, linear.columns, entry.seed)
            weights[linear.name] = qlr.dequantize()
        return weights

    def _compress(self, group: str, linears: Sequence[LinearShape], hessian: torch.Tensor | None, dead: int) -> Piece:
        begun = time.monotonic()
        device = "cpu" if hessian is None else hessian.device
        weights = {linear.name: self._weight(linear).to(device) for linear in linears}
        results = self.compressor.compress_group(weights, hessian, {name: self.decisions[name] for name in weights})
        if results.keys() != weights.keys():
            raise PluginError(
                f"the compressor returned {sorted(results)} for {sorted(weights)}", "a bug in the compressor"
            )
        seconds = (time.monotonic() - begun) / len(linears)
        tensors: dict[str, torch.Tensor] = {}
        entries: dict[str, LinearEntry] = {}
        for linear in linears:
            result = results[linear.name]
            if result.decision != self.decisions[linear.name]:
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
                seconds=seconds,
                dead_columns=dead,
                base=self.checkpoint.tensors[f"{linear.name}.weight"].sha256(),
                bits=sum(8 * tensor.numel() * tensor.element_size() for tensor in stored.values()),
            )
        return write_piece(*self._group_files(group), self.run, tensors, entries)

    def _weight(self, linear: LinearShape) -> torch.Tensor:
        """(rows, columns) float32."""
        name = f"{linear.name}.weight"
        ((_, weight),) = read_tensors(self.checkpoint, [name])
        if not bool(weight.isfinite().all()):
            raise ModelError(f"{name} of {self.checkpoint.folder} holds NaN or infinity", "fetch the model again")
        return (weight.T if self.checkpoint.transposed else weight).float().contiguous()

    def _group_files(self, group: str) -> tuple[Path, Path]:
        return self.partial / f"{group}.safetensors", self.partial / f"{group}.json"

    def _block_files(self, index: int) -> tuple[Path, Path]:
        return self.out / f"block-{index:05d}.safetensors", self.partial / f"block-{index:05d}.json"
