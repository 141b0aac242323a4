"""Where the loop begins: the low-rank part that the first Q is rounded around.

The loop refits L·R to W − Q in the metric of H after every Q, so a start decides only which Q it falls towards. None wins
everywhere: start "best" tries all and keeps the smallest measured error.

- zero: nothing; Q takes what it can, L·R the rest (GPTQ, then LQER's fit).
- svd: the best rank-r L·R of W itself (algorithm 1 of CALDERA, arXiv 2405.18886).
- srr: its k leading directions alone, k by the rule of SRR (arXiv 2602.02001): the rank that is worth more on W than on
  what rounding leaves.
- gilora: nothing, but Q is rounded under what L·R on H's leading directions will leave of H (`deflation`).
- odlri: the k columns with the largest H_jj as they are (ODLRI, arXiv 2506.02077, whose restricted problem this solves
  exactly while k ≤ r), so that Q need not stretch its scales over them.
"""

from __future__ import annotations

from typing import Literal

import torch

from harness_plugins.compressors.caldera.lowrank import energies, principal
from harness_plugins.compressors.caldera.metric import Metric

Start = Literal["zero", "svd", "srr", "odlri", "gilora"]
STARTS: tuple[Start, ...] = ("zero", "svd", "srr", "odlri", "gilora")
OUTLIERS_PER_RANK = 16  # ODLRI's ratio r : k


def initial(start: Start, weight: torch.Tensor, metric: Metric, rank: int) -> torch.Tensor:
    """L₀ R₀ (m, n) of W (m, n)."""
    if start == "odlri":
        return outlier_columns(weight, metric, rank)
    if start in ("zero", "gilora"):
        return torch.zeros_like(weight)
    basis = principal(weight, metric, rank)
    k = rank if start == "svd" else preserved_rank(weight, metric, rank, basis)
    return basis[:, :k] @ (basis[:, :k].T @ weight)


def outlier_columns(weight: torch.Tensor, metric: Metric, rank: int) -> torch.Tensor:
    """W in its round(r / OUTLIERS_PER_RANK) columns (at least one) of the largest H_jj, 0 elsewhere. Without a Hessian no
    column stands out, and none is taken."""
    found = torch.zeros_like(weight)
    diagonal = metric.diagonal()
    if diagonal is not None:
        k = min(max(1, round(rank / OUTLIERS_PER_RANK)), weight.shape[1])
        columns = diagonal.topk(k).indices
        found[:, columns] = weight[:, columns]
    return found


def preserved_rank(weight: torch.Tensor, metric: Metric, rank: int, basis: torch.Tensor) -> int:
    """SRR's k in 0 … r: the least a(k) · ρ(r − k).

    a(k) is what the k leading directions of W C leave of its energy (H = C Cᵀ), and ρ(q) the share that the q leading ones
    leave of a random rounding error's. `basis`: W's `principal` directions.
    """
    left = _tails(weight, metric, rank, basis)
    generator = torch.Generator().manual_seed(0)
    noise = (torch.rand(weight.shape, generator=generator) - 0.5).to(weight)
    lost = _tails(noise, metric, rank, principal(noise, metric, rank)) / metric.error(noise)
    return int((left * lost.flip(0)).argmin())


def _tails(a: torch.Tensor, metric: Metric, rank: int, basis: torch.Tensor) -> torch.Tensor:
    """(r + 1,) E of what the k leading directions leave of A, k = 0 … r."""
    taken = energies(a, metric, basis[:, :rank]).double().cumsum(0)
    return metric.error(a) - torch.cat([taken.new_zeros(1), taken])
