"""The start "gilora" beside GPTQ-intrinsic LoRA as its paper writes it down, column by column."""

from __future__ import annotations

import pytest
import torch
from compressors.test_starts import problem

from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.deflation import deflated, schur
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.lowrank import principal
from harness_plugins.compressors.caldera.metric import HessianMetric, Metric, prepare

RANK = 8


def by_the_paper(
    weight: torch.Tensor,
    hessian: torch.Tensor,
    basis: torch.Tensor,
    damping: float,
    order: list[int],
    grid: Grid,
    step: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Q (m, n) and L (m, r): [W 0] swept by GPTQ under [I V]ᵀ H [I V], whose last r columns are not rounded."""
    n, rank = basis.shape
    wide = torch.cat([torch.eye(n, dtype=torch.float64)[:, order], basis], dim=1)  # [I V], the columns in their order
    augmented = wide.T @ hessian @ wide
    augmented[:n, :n] += damping * torch.eye(n)
    inverse = torch.linalg.inv(augmented)
    upper = torch.linalg.cholesky(inverse, upper=True)  # GPTQ's: row t says what column t's error does to later ones
    work = torch.cat([weight[:, order], torch.zeros(len(weight), rank)], dim=1).double()
    for t in range(n):
        rounded = grid.decode(grid.encode(work[:, t], torch.tensor(step)), torch.tensor(step))
        error = (work[:, t] - rounded) / upper[t, t]
        work[:, t] = rounded
        work[:, t + 1 :] -= error[:, None] * upper[t, t + 1 :]
    q = torch.empty_like(weight, dtype=torch.float64)
    q[:, order] = work[:, :n]
    return q, work[:, n:]


def test_rounding_under_the_schur_complement_is_the_augmented_sweep() -> None:
    weight, metric = problem()
    hessian, step, grid = metric.ldl.matrix, 0.6, Grid(2, 0)
    basis = principal(torch.eye(96), metric, RANK)[:, :RANK]
    found = deflated(metric, RANK)
    assert isinstance(found, HessianMetric)
    left = schur(hessian, basis)
    damping = float(found.ldl.damping * left.diagonal().mean())
    order = found.ldl.order.flip(0).tolist()  # heaviest first
    q, factor = by_the_paper(weight, hessian.double(), basis.double(), damping, order, grid, step)
    ours = found.round(weight, grid, torch.tensor([[step]])).q.double()
    assert (ours - q).abs().gt(step / 2).float().mean() < 0.002  # float32 turns a tie over now and then
    pulled = hessian @ basis
    best = torch.linalg.solve(basis.T @ pulled, pulled.T @ (weight - q.float()).T).T  # least squares for L, R = Vᵀ
    assert torch.allclose(factor.float(), best, atol=2e-3)


def test_what_l_can_take_up_costs_nothing() -> None:
    """E(D) under S is the least E(D − L Vᵀ) over L, up to the damping."""
    _, metric = problem()
    basis = principal(torch.eye(96), metric, RANK)[:, :RANK]
    left = schur(metric.ldl.matrix, basis)
    assert float((basis.T @ left @ basis).abs().max()) < 1e-3
    d = torch.randn(5, 96, generator=torch.Generator().manual_seed(1))
    root = torch.linalg.cholesky(metric.ldl.matrix)
    taken = torch.linalg.lstsq((basis.T @ root).T, (d @ root).T).solution.T  # L (5, r)
    assert float(((d @ left) * d).sum()) == pytest.approx(metric.error(d - taken @ basis.T), rel=1e-3)


@pytest.mark.parametrize("planted", [0, 6])
def test_it_beats_rounding_first_and_fitting_after(planted: int) -> None:
    """After one sweep and one refit each."""
    weight, metric = problem(planted=planted)
    decision = Decision(bits=2, group=32, rank=RANK, factor_bits=16)
    zero, gilora = (
        decompose(weight, metric, decision, Schedule(1, 4, start)).error or 0.0 for start in ("zero", "gilora")
    )
    assert gilora**2 < (0.95 if not planted else 1.0) * zero**2


def test_without_a_hessian_no_direction_leads() -> None:
    plain = Metric()
    assert deflated(plain, RANK) is plain


@pytest.mark.parametrize("rank", [1, 5, 8])
def test_singular_hessians_dead_channels_and_ranks_as_large_as_the_matrix(rank: int) -> None:
    weight = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    ones = torch.ones(1, 8)
    ones[0, 3] = 0.0  # dead
    metric = prepare(ones.T @ ones)  # rank 1
    decision = Decision(bits=2, group=3, rank=min(rank, 5), factor_bits=16)
    gilora, zero = (decompose(weight, metric, decision, Schedule(2, 2, start)).error for start in ("gilora", "zero"))
    assert gilora is not None
    assert zero is not None
    assert gilora < 0.1 or gilora < 1.5 * zero
