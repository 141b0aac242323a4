"""What is left of a change of weights when both versions are rounded: W, W + Δ and a grid.

On a grid of step s that stays put, an entry gets another code with probability min(|Δ| / s, 1) if it lies anywhere between
two codes with equal chance. The grid does not stay put, though: each group's scale follows its own largest entry. Both are
counted. The change that arrives is Δ_eff = Q(W + Δ) − Q(W); its length says little, since rounding noise has length too, so
its cosine with Δ stands beside it (after MaximG6/adapter-retention).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from harness.checkpoints.qlr import QuantMatrix
from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.linears import compress_linears

QUANTILES = (0.5, 0.9, 0.99)
SAMPLED = 100_000  # entries of one Linear, evenly spaced, that the quantiles are taken of


@dataclass
class Flips:
    """Sums over Linears."""

    entries: int = 0
    predicted: float = 0.0
    fixed: int = 0
    adaptive: int = 0
    scales: int = 0
    moved: int = 0
    products: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("change", "fixed", "adaptive"), 0.0))
    squares: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("change", "fixed", "adaptive"), 0.0))
    ratios: list[torch.Tensor] = field(default_factory=list)

    def rows(self) -> dict[str, float]:
        """Quantiles of |Δ| / s; shares of entries with another code: predicted and counted, on the grid of W and on each
        one's own; share of scales that moved; cosine of Δ_eff with Δ, and its length over Δ's."""
        pooled = torch.cat(self.ratios)
        found = {f"step_{q:g}": float(pooled.quantile(q)) for q in QUANTILES}
        found |= {
            "flips_predicted": self.predicted / self.entries,
            "flips_fixed": self.fixed / self.entries,
            "flips_adaptive": self.adaptive / self.entries,
            "scales_moved": self.moved / self.scales,
        }
        length = self.squares["change"] ** 0.5
        for grid in ("fixed", "adaptive"):
            arrived = self.squares[grid] ** 0.5
            found[f"cos_{grid}"] = self.products[grid] / (length * arrived) if length * arrived else 0.0
            found[f"length_{grid}"] = arrived / length if length else 0.0
        return found


def code_flips(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], bits: int, group: int = 64
) -> Flips:
    """Linears by name, each (m, n), under round to nearest with absmax scales of `group` columns."""
    found = Flips()
    grid = Grid(bits, group, "midtread")
    for name, old in before.items():
        new = after[name]
        first, second = (rounded(weight, bits, group) for weight in (old, new))
        step = wide(first)  # (m, n)
        change = new - old
        ratio = change.abs() / step.clamp(min=torch.finfo(torch.float32).tiny)
        kept = grid.encode(new.clone(), step).to(torch.uint8)
        fixed = QuantMatrix(kept, first.scales, bits, group, "midtread")
        found.entries += old.numel()
        found.predicted += float(ratio.clamp(max=1).sum(dtype=torch.float64))
        found.fixed += int((kept != first.codes).sum())
        found.adaptive += int((second.codes != first.codes).sum())
        found.scales += first.scales.numel()
        found.moved += int((first.scales != second.scales).sum())
        arrived = {
            "change": change,
            "fixed": fixed.dequantize() - first.dequantize(),
            "adaptive": second.dequantize() - first.dequantize(),
        }
        for key, moved in arrived.items():
            found.products[key] += float((moved * change).sum(dtype=torch.float64))
            found.squares[key] += float(moved.square().sum(dtype=torch.float64))
        found.ratios.append(ratio.flatten()[:: max(1, ratio.numel() // SAMPLED)])
    return found


def permuted(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], seed: int
) -> dict[str, torch.Tensor]:
    """W + Δ with each Linear's Δ in another order: as long, as heavy-tailed, and about nothing."""
    generator = torch.Generator().manual_seed(seed)
    result = {}
    for name, old in before.items():
        change = (after[name] - old).flatten()
        result[name] = old + change[torch.randperm(len(change), generator=generator)].view_as(old)
    return result


def rounded(weight: torch.Tensor, bits: int, group: int) -> QuantMatrix:
    decision = Decision(bits=bits, group=group, grid="midtread")
    nearest = Schedule(iterations=1, rounding="nearest")
    return compress_linears({"w": weight}, None, {"w": decision}, nearest)["w"].q


def wide(matrix: QuantMatrix) -> torch.Tensor:
    """The step of each entry (m, n)."""
    scales = matrix.scales.float()
    if not matrix.group:
        return scales.expand(matrix.codes.shape)
    return scales.repeat_interleave(matrix.group, dim=1)[:, : matrix.codes.shape[1]]
