"""Uniform scalar grids of 2–8 bits and the choice of their scales.

A group is `group` neighbouring columns of one row and shares one fp16 scale; group = 0 is one scale for the matrix.
Every scale is rounded to fp16 before it is used, so that the sweep optimises exactly what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from harness.checkpoints.qlr import QuantMatrix, code_offset
from harness.errors import StageError

# Step over standard deviation with the least mean squared error for a Gaussian on a mid-rise grid (Max 1960).
GAUSSIAN_STEP = {2: 0.9957, 3: 0.5860, 4: 0.3352, 5: 0.1881, 6: 0.1041, 7: 0.0569, 8: 0.0308}
CANDIDATES = 12  # scales tried per group, between a narrow Gaussian fit and the one that covers the largest entry
REFINEMENTS = 2  # Lloyd steps from each: the least-squares scale for the codes just found
SEARCHED = 1 << 16  # entries whose scales are searched at a time: few enough to fit a core's cache
FP16_MAX = 65504.0


@dataclass(frozen=True)
class Grid:
    """`bits` and `kind` as in `Decision`; one scale per (row, `group` columns), or per matrix when group = 0."""

    bits: int
    group: int = 64
    kind: str = "midrise"

    @property
    def offset(self) -> float:
        return code_offset(self.bits, self.kind)

    @property
    def top(self) -> int:
        return 2**self.bits - 1

    def encode(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Nearest codes of x, as floats 0 … 2^bits − 1; `scale` broadcasts against x and may be zero."""
        return (x * reciprocal(scale)).add_(self.offset).round_().clamp_(0, self.top)

    def decode(self, codes: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return (codes - self.offset) * scale

    def expand(self, scales: torch.Tensor, columns: int) -> torch.Tensor:
        """(rows, groups) -> (rows, columns), or (1, 1) as it is when one scale serves the matrix; float32."""
        scales = scales.float()
        return scales.repeat_interleave(self.group, dim=1)[:, :columns] if self.group else scales

    def store(self, codes: torch.Tensor, scales: torch.Tensor) -> QuantMatrix:
        return QuantMatrix(codes.to(torch.uint8), scales.half(), self.bits, self.group, self.kind)

    def nearest(self, x: torch.Tensor, scales: torch.Tensor) -> QuantMatrix:
        """Round every entry of x (rows, columns) by itself."""
        return self.store(self.encode(x, self.expand(scales, x.shape[1])), scales)

    def absmax_scales(self, x: torch.Tensor, symmetric: bool = False) -> torch.Tensor:
        """(rows, groups) fp16: the largest magnitude of each group lands on the outermost code below zero, or, if
        `symmetric`, above it (on a mid-tread grid the positive side is one code shorter)."""
        reach = self.top - self.offset if symmetric else self.offset
        return to_fp16(self._split(x).abs().amax(dim=2) / reach)

    def search_scales(
        self,
        x: torch.Tensor,
        importance: torch.Tensor | None = None,
        near: torch.Tensor | None = None,
        around: Sequence[float] = (1.0,),
    ) -> torch.Tensor:
        """(rows, groups) fp16 scales that minimise Σ_j importance_j (x_ij − x̂_ij)² within each group.

        x: (rows, columns); importance: (columns,), the Hessian's diagonal, or None for equal weights. near: (rows,
        groups), scales of a matrix that was almost the same: where given, only these times each of `around` are refined.
        """
        weight = torch.ones_like(x[:1]) if importance is None else importance[None]
        weight = self._split(weight if self.group else weight.expand_as(x))  # (1, G, group); padding weighs nothing
        rows = max(1, SEARCHED // x.shape[1]) if self.group else len(x)
        nears = near.split(rows) if near is not None else (None,) * len(x.split(rows))
        found = [
            self._best_scales(self._split(part), weight, close, around)
            for part, close in zip(x.split(rows), nears, strict=True)
        ]
        return torch.cat(found)

    def _best_scales(
        self, groups: torch.Tensor, weight: torch.Tensor, near: torch.Tensor | None, around: Sequence[float]
    ) -> torch.Tensor:
        """groups (R, G, group), weight (1, G, group), near (R, G) or None -> (R, G) fp16."""
        weighted = weight * groups
        best, least = groups.new_zeros(groups.shape[:2]), groups.new_full(groups.shape[:2], torch.inf)
        for scale in self._starts(groups) if near is None else (near.float() * factor for factor in around):
            for _ in range(REFINEMENTS):
                levels = self.encode(groups, scale[..., None]).sub_(self.offset)
                fitted = (weighted * levels).sum(dim=2) / levels.square().mul_(weight).sum(dim=2).clamp_min(1e-30)
                scale = torch.where(fitted > 0, fitted, scale)
            scale = to_fp16(scale).float()
            levels = self.encode(groups, scale[..., None]).sub_(self.offset)
            error = levels.mul_(scale[..., None]).sub_(groups).square_().mul_(weight).sum(dim=2)
            best = torch.where(error < least, scale, best)
            least = torch.minimum(error, least)
        return best.half()

    def _starts(self, groups: torch.Tensor) -> Iterator[torch.Tensor]:
        """Scales (R, G) to refine: the one that covers the largest entry, and CANDIDATES up to a little above it."""
        sigma, absmax = groups.square().mean(dim=2).sqrt(), groups.abs().amax(dim=2)
        narrow = 0.6 * GAUSSIAN_STEP[self.bits] * sigma
        wide = torch.maximum(absmax / (self.top / 2), 1.4 * GAUSSIAN_STEP[self.bits] * sigma)
        ratio = wide / narrow.clamp_min(1e-30)
        yield absmax / self.offset
        for step in range(CANDIDATES):
            yield narrow * ratio ** (step / (CANDIDATES - 1))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, columns) -> (rows, G, group), zero-padded; (1, 1, rows · columns) for one scale per matrix."""
        if not self.group:
            return x.reshape(1, 1, -1)
        rows, columns = x.shape
        padded = torch.nn.functional.pad(x, (0, -columns % self.group))
        return padded.view(rows, -1, self.group)


def reciprocal(scale: torch.Tensor) -> torch.Tensor:
    """1 / scale, and 0 where the scale is 0 (a group of zeros)."""
    return torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))


def to_fp16(scales: torch.Tensor) -> torch.Tensor:
    """Round scales to what is stored. Raises StageError where fp16 cannot hold them."""
    if scales.numel() and float(scales.max()) > FP16_MAX:
        raise StageError(f"a quantization step of {float(scales.max()):.3g} exceeds fp16", "scale the weights down")
    return scales.half()
