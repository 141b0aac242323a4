"""The Linears that share one input: one rotation of the Hessian, one Cholesky, then each weight by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from harness.checkpoints.qlr import QLR
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
    return {
        name: _compress(name, weight, metrics, decisions[name], schedule)
        for name, weight in weights.items()
        if not decisions[name].kept
    }


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
                difference = weight - _compress(name, weight, metrics, option, schedule).dequantize()
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


def _compress(name: str, weight: torch.Tensor, metrics: _Metrics, decision: Decision, schedule: Schedule) -> QLR:
    try:
        metric = metrics.of(decision, weight.shape[1])
        turned = rotate(weight.float(), metrics.seed) if decision.rotate else weight.float()
        result = decompose(turned, metric, decision, schedule)
    except StageError as error:
        raise StageError(f"{name}: {error.cause}", error.remedy) from error
    result.seed = metrics.seed if decision.rotate else None
    return result
