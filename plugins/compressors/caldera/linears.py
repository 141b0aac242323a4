"""The Linears that share one input: one rotation of the Hessian, one Cholesky, then each weight by itself.

Those that share R, too, are one matrix: with their rows stacked, [W₁; W₂] ≈ [Q₁; Q₂] + [L₁; L₂] R is the same problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from harness.checkpoints.qlr import QLR, Factor, QuantMatrix
from harness.checkpoints.rotation import rotate, rotate_hessian
from harness.contract import Decision
from harness.errors import StageError
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.metric import Metric, prepare


def compress_linears(
    weights: Mapping[str, torch.Tensor],
    hessian: torch.Tensor | None,
    decisions: Mapping[str, Decision],
    schedule: Schedule,
    seed: int = 0,
) -> dict[str, QLR]:
    """Name -> QLR of every weight (m, n) that is not kept at 16 bit.

    All share the columns n and the Hessian (n, n), or None. Raises StageError that names the Linear.
    """
    metrics = _Metrics(hessian, seed)
    borrowers = [name for name in weights if decisions[name].borrows]
    found: dict[str, QLR] = {}
    for name in weights:
        decision = decisions[name]
        if decision.kept or decision.borrows:
            continue
        stack = (
            [name, *borrowers]
            if decision.model_copy(update={"borrows": True}) in map(decisions.get, borrowers)
            else [name]
        )
        found |= _compress({one: weights[one] for one in stack}, metrics, decision, schedule)
    return {name: replace(found[name], decision=decisions[name]) for name in weights if name in found}


def measure_linears(
    weights: Mapping[str, torch.Tensor],
    hessian: torch.Tensor | None,
    options: Mapping[str, Sequence[Decision]],
    schedule: Schedule,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Name -> tr(D H Dᵀ) of each of its options, with H as given: neither normalised nor damped."""
    metrics = _Metrics(hessian, seed)
    errors: dict[str, list[float]] = {}
    for name, weight in weights.items():
        errors[name] = []
        for option in options[name]:
            difference = torch.zeros_like(weight)
            if not option.kept:
                difference = weight - _compress({name: weight}, metrics, option, schedule)[name].dequantize()
            weighted = difference if hessian is None else difference @ hessian
            errors[name].append(float((weighted * difference).sum(dtype=torch.float64)))
    return errors


class _Metrics:
    """The group's metric, plain and rotated, each prepared at most once."""

    def __init__(self, hessian: torch.Tensor | None, seed: int) -> None:
        self.hessian, self.seed = hessian, seed
        self.prepared: dict[bool, Metric] = {}

    def of(self, decision: Decision, columns: int) -> Metric:
        hessian = self.hessian
        if hessian is not None and hessian.shape != (columns, columns):
            raise StageError(f"a Hessian of {tuple(hessian.shape)} does not fit a weight of {columns} columns")
        if decision.rotate not in self.prepared:
            if hessian is not None:
                hessian = rotate_hessian(hessian.float(), self.seed) if decision.rotate else hessian.float()
            self.prepared[decision.rotate] = prepare(hessian)
        return self.prepared[decision.rotate]


def _compress(
    weights: Mapping[str, torch.Tensor], metrics: _Metrics, decision: Decision, schedule: Schedule
) -> dict[str, QLR]:
    """Name -> QLR of one weight, or of several with one R."""
    turned = [
        rotate(weight.float(), metrics.seed) if decision.rotate else weight.float() for weight in weights.values()
    ]
    try:
        metric = metrics.of(decision, turned[0].shape[1])
        whole = decompose(torch.cat(turned) if len(turned) > 1 else turned[0], metric, decision, schedule)
    except StageError as error:
        raise StageError(f"{', '.join(weights)}: {error.cause}", error.remedy) from error
    parts = [whole] if len(turned) == 1 else split_rows(whole, [len(one) for one in turned])
    for part, weight in zip(parts, turned, strict=True):
        if len(turned) > 1:
            total = metric.error(weight)
            part.error = (metric.error(weight - part.dequantize()) / total) ** 0.5 if total else 0.0
        part.seed = metrics.seed if decision.rotate else None
    return dict(zip(weights, parts, strict=True))


def split_rows(whole: QLR, heights: Sequence[int]) -> list[QLR]:
    """The QLR of each part of a matrix whose rows were stacked; R is the same in all. Quantized factors need parts of whole
    scale groups: see `allocation.sharing`."""
    assert whole.left is not None
    cut = zip(
        _cut(whole.q, heights, across=False),
        _cut(whole.left, heights, across=True),  # Lᵀ (r, m)
        strict=True,
    )
    return [replace(whole, q=q, left=left) for q, left in cut]


def _cut(matrix: Factor, sizes: Sequence[int], *, across: bool) -> list[Any]:
    """Pieces of `sizes` rows, or, if `across`, columns, with their scales."""
    if not isinstance(matrix, QuantMatrix):
        return [piece.contiguous() for piece in matrix.split(list(sizes), dim=1 if across else 0)]
    codes = matrix.codes.split(list(sizes), dim=1 if across else 0)
    if not matrix.group:
        scales: Sequence[torch.Tensor] = [matrix.scales] * len(sizes)
    elif across:
        scales = matrix.scales.split([-(-size // matrix.group) for size in sizes], dim=1)
    else:
        scales = matrix.scales.split(list(sizes))
    pieces = zip(codes, scales, strict=True)
    return [replace(matrix, codes=one.contiguous(), scales=scale.contiguous()) for one, scale in pieces]
