"""Coordinate descent on the codes never raises the error, and its blocks do not show."""

from __future__ import annotations

import pytest
import torch

from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.descent import descend
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.ldlq import BLOCK
from harness_plugins.compressors.caldera.metric import HessianMetric, prepare


def problem(columns: int) -> tuple[torch.Tensor, HessianMetric]:
    generator = torch.Generator().manual_seed(columns)
    x = torch.randn(3 * columns, columns, generator=generator) @ torch.randn(columns, columns, generator=generator)
    metric = prepare(x.T @ x / len(x))
    assert isinstance(metric, HessianMetric)
    return torch.randn(20, columns, generator=generator), metric


def plainly(
    weight: torch.Tensor, codes: torch.Tensor, matrix: torch.Tensor, grid: Grid, step: torch.Tensor
) -> torch.Tensor:
    """One sweep, a column at a time, as the formula reads."""
    codes = codes.clone()
    for j in range(len(matrix)):
        error = weight - grid.decode(codes, step)
        error[:, j] = 0
        wanted = weight[:, j] + error @ matrix[:, j] / matrix[j, j]
        codes[:, j] = grid.encode(wanted[:, None], step[:, j : j + 1])[:, 0]
    return codes


@pytest.mark.parametrize("columns", [7, BLOCK, BLOCK + 30])
@pytest.mark.parametrize("group", [0, 16])
def test_blocks_compute_the_plain_sweep_and_every_sweep_helps(columns: int, group: int) -> None:
    weight, metric = problem(columns)
    matrix, grid = metric.ldl.matrix, Grid(2, group)
    step = grid.expand(grid.search_scales(weight, metric.diagonal()), columns).expand_as(weight)
    codes = grid.encode(weight, step)
    blocked, plain = descend(weight, codes, matrix, grid, step, sweeps=1), plainly(weight, codes, matrix, grid, step)
    assert (blocked != plain).float().mean() < 0.01  # ties of float32 aside
    errors = [metric.error(weight - grid.decode(descend(weight, codes, matrix, grid, step, n), step)) for n in range(4)]
    assert errors[0] > errors[1] >= errors[2] >= errors[3]


def test_it_ends_a_rank_0_decomposition() -> None:
    weight, metric = problem(60)
    result = decompose(weight, metric, Decision(bits=2), Schedule())
    assert result.error == result.trace[-1] < min(result.trace[:-1])
    nearest = decompose(weight, metric, Decision(bits=2), Schedule(rounding="nearest"))
    assert nearest.error == min(nearest.trace)  # a rival's rounding is left as it is
