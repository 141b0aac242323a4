from __future__ import annotations

import pytest
import torch

from harness.contract import Decision
from harness.errors import StageError
from harness_plugins.compressors.caldera.decompose import Schedule
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.ldlq import factorise, sweep
from harness_plugins.compressors.caldera.linears import compress_linears
from harness_plugins.compressors.caldera.metric import DAMPING_LADDER, HessianMetric, prepare


def correlated(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(4 * n, n, generator=generator) @ torch.randn(n, n, generator=generator)
    x[:, : n // 8] *= 4
    return x.T @ x / len(x)


def column_by_column(target: torch.Tensor, metric: HessianMetric, grid: Grid, step: torch.Tensor) -> torch.Tensor:
    """The definition, one column at a time in the factorisation's order."""
    ldl = metric.ldl
    a, step = target[:, ldl.order], step.expand_as(target)[:, ldl.order]
    q = torch.zeros_like(a)
    for j in reversed(range(a.shape[1])):
        x = a[:, j] + (a - q)[:, j + 1 :] @ ldl.unit_lower[j + 1 :, j]
        q[:, j] = grid.decode(grid.encode(x, step[:, j]), step[:, j])
    result = torch.empty_like(q)
    result[:, ldl.order] = q
    return result


@pytest.mark.parametrize("n", [13, 172, 300])
def test_the_blocked_sweep_is_the_plain_one(n: int) -> None:
    weight, grid = torch.randn(10, n), Grid(3, 64)
    metric = prepare(correlated(n))
    assert isinstance(metric, HessianMetric)
    step = grid.expand(grid.search_scales(weight, metric.diagonal()), n)
    rounded = sweep(weight, metric.ldl, grid, step)
    blocked = grid.decode(rounded.codes, step)
    torch.testing.assert_close(rounded.q, blocked, rtol=1e-4, atol=1e-5)
    plain = column_by_column(weight, metric, grid, step)
    # Summation order may flip a near-tie, which later columns then make up for differently: errors agree, codes nearly.
    assert (blocked == plain).float().mean() > 0.9
    assert metric.error(weight - blocked) == pytest.approx(metric.error(weight - plain), rel=0.05)


def test_the_error_is_the_sum_of_plain_rounding_errors() -> None:
    """E(A − Q) = Σ_j d_j ‖round error of column j‖², what LDLQ is built on and how a sweep knows its cost."""
    n, grid = 96, Grid(2, 32)
    weight, metric = torch.randn(20, n), prepare(correlated(n))
    assert isinstance(metric, HessianMetric)
    step = grid.expand(grid.search_scales(weight), n)
    rounded = metric.round(weight, grid, step)
    assert rounded.feedback is not None
    rounding = weight + rounded.feedback - rounded.q
    assert float((rounding.square() * metric.costs()).sum()) == pytest.approx(rounded.cost, rel=1e-5)
    assert metric.error(weight - grid.decode(rounded.codes, step)) == pytest.approx(rounded.cost, rel=1e-3)
    order = metric.ldl.order
    fed = (weight - rounded.q)[:, order] @ (metric.ldl.unit_lower - torch.eye(n))
    torch.testing.assert_close(rounded.feedback[:, order], fed, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_feedback_beats_rounding_to_nearest(bits: int) -> None:
    n, grid = 128, Grid(bits, 64)
    weight, metric = torch.randn(64, n), prepare(correlated(n))
    scales = grid.search_scales(weight, metric.diagonal())
    step = grid.expand(scales, n)
    fed = metric.round(weight, grid, step).q
    assert metric.error(weight - fed) < 0.7 * metric.error(weight - grid.nearest(weight, scales).dequantize())


def test_a_singular_hessian_is_damped() -> None:
    x = torch.randn(5, 40)
    x[:, 7] = 0  # a dead input
    metric = prepare(x.T @ x)
    assert metric.damping in DAMPING_LADDER
    assert torch.isfinite(metric.ldl.unit_lower).all()  # type: ignore[attr-defined]


def test_damping_climbs_the_ladder() -> None:
    indefinite = torch.eye(8)
    indefinite[0, 0] = -0.04
    assert factorise(indefinite, DAMPING_LADDER).damping == 0.05  # type: ignore[union-attr]
    decision = Decision(bits=4, rank=1, factor_bits=16)
    compressed = compress_linears({"w": torch.randn(4, 8)}, indefinite, {"w": decision}, Schedule(1, 1))
    assert compressed["w"].damping == 0.05


@pytest.mark.parametrize(
    ("hessian", "message"),
    [
        (torch.full((4, 4), float("nan")), "NaN"),
        (torch.zeros(4, 4), "never moved"),
        (torch.diag(torch.tensor([1.0, 1.0, 1.0, -2.0])), "not positive definite"),
    ],
)
def test_a_hopeless_hessian_is_named(hessian: torch.Tensor, message: str) -> None:
    with pytest.raises(StageError, match=message):
        prepare(hessian)
