"""The Linears that share one input: one rotation of the Hessian, one Cholesky, then each weight on its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from harness.contract import Decision
from harness.errors import StageError
from harness.models.qlr import QLR
from harness.models.rotation import rotate, rotate_hessian
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.metric import Metric, prepare


def compress_group(
    weights: Mapping[str, torch.Tensor],
    hessian: torch.Tensor | None,
    decisions: Mapping[str, Decision],
    schedule: Schedule,
    seed: int = 0,
) -> dict[str, QLR]:
    """Name -> QLR of every weight (m, n) that is not kept at 16 bit.

    All share the columns n and the Hessian (n, n), or None. Raises StageError that names the Linear.
    """
    metrics: dict[bool, Metric] = {}
    compressed: dict[str, QLR] = {}
    for name, weight in weights.items():
        decision = decisions[name]
        if decision.kept:
            continue
        try:
            if hessian is not None and hessian.shape != (weight.shape[1], weight.shape[1]):
                raise StageError(f"a Hessian of {tuple(hessian.shape)} does not fit a weight of {tuple(weight.shape)}")
            if decision.rotate not in metrics:
                turned = hessian if hessian is None or not decision.rotate else rotate_hessian(hessian.float(), seed)
                metrics[decision.rotate] = prepare(turned if turned is None else turned.float())
            turned = rotate(weight.float(), seed) if decision.rotate else weight.float()
            result = decompose(turned, metrics[decision.rotate], decision, schedule)
        except StageError as error:
            raise StageError(f"{name}: {error.cause}", error.remedy) from error
        result.seed = seed if decision.rotate else None
        compressed[name] = result
    return compressed
