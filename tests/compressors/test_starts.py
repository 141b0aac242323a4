from __future__ import annotations

import pytest
import torch

from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import TRIED, Schedule, decompose
from harness_plugins.compressors.caldera.lowrank import principal
from harness_plugins.compressors.caldera.metric import HessianMetric, Metric, prepare
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.starts import STARTS, initial, outlier_columns, preserved_rank


def problem(seed: int = 0, planted: int = 0) -> tuple[torch.Tensor, HessianMetric]:
    """W (96, 96), flat or with a planted low-rank part, and a metric with four heavy channels: the facts' toy."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(400, 96, generator=generator) @ torch.randn(96, 96, generator=generator) / 96**0.5
    x[:, [3, 30, 50, 77]] *= 8
    weight = torch.randn(96, 96, generator=generator)
    if planted:
        left, right = (torch.randn(96, planted, generator=generator) for _ in range(2))
        weight += 2 * left @ right.T
    metric = prepare(x.T @ x / len(x))
    assert isinstance(metric, HessianMetric)
    return weight, metric


def square_root(metric: HessianMetric) -> torch.Tensor:
    return torch.linalg.cholesky(metric.ldl.matrix)


def test_the_svd_start_is_the_weighted_optimum_of_w() -> None:
    weight, metric = problem()
    tail = torch.linalg.svdvals(weight @ square_root(metric))[8:].square().sum()
    assert metric.error(weight - initial("svd", weight, metric, 8)) == pytest.approx(float(tail), rel=0.02)


@pytest.mark.parametrize("planted", [0, 6])
def test_srr_takes_the_k_of_its_rule(planted: int) -> None:
    """k and L·R from full singular value decompositions, as the paper writes them."""
    weight, metric = problem(planted=planted)
    root, rank = square_root(metric), 8
    left, singular, _ = torch.linalg.svd(weight @ root)
    noise = torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    lost = torch.linalg.svdvals(noise @ root).square()
    scores = [float(singular[k:].square().sum() * (1 - lost[: rank - k].sum() / lost.sum())) for k in range(rank + 1)]
    k = min(range(rank + 1), key=scores.__getitem__)
    assert preserved_rank(weight, metric, rank, principal(weight, metric, rank)) == k
    expected = left[:, :k] @ (left[:, :k].T @ weight)
    assert metric.error(expected - initial("srr", weight, metric, rank)) < 0.02 * metric.error(weight)


def test_odlri_takes_the_heaviest_columns_as_they_are() -> None:
    weight, metric = problem()
    found = outlier_columns(weight, metric, 64)  # 64 / 16 = 4 of them
    assert found.any(dim=0).nonzero().flatten().tolist() == [3, 30, 50, 77]
    assert torch.equal(found[:, 30], weight[:, 30])
    assert not outlier_columns(weight, Metric(), 64).any()


@pytest.mark.parametrize("factor_bits", [4, 16])
def test_the_best_start_is_kept_and_named(factor_bits: int) -> None:
    weight, metric = problem(planted=6)
    decision = Decision(bits=2, group=32, rank=8, factor_bits=factor_bits, factor_group=32)
    alone = {start: decompose(weight, metric, decision, Schedule(TRIED, 4, start)) for start in STARTS}
    best = decompose(weight, metric, decision, Schedule(TRIED, 4, "best"))
    errors = {start: result.error for start, result in alone.items()}
    assert best.start == min(errors, key=lambda start: errors[start] or 0.0)
    assert best.error == pytest.approx(min(value for value in errors.values() if value), rel=1e-6)
    assert all(result.start == start for start, result in alone.items())
    assert decompose(weight, metric, Decision(bits=2, group=32), Schedule(1, 1, "best")).start is None


def test_a_planted_low_rank_part_is_where_starts_differ() -> None:
    """Kept out of Q it costs nothing; a zero start never gets it back. (16-bit factors, whose fits are exact.)"""
    weight, metric = problem(planted=6)
    decision = Decision(bits=2, group=32, rank=8, factor_bits=16)
    zero, svd = (decompose(weight, metric, decision, Schedule(5, 4, start)).error or 0.0 for start in ("zero", "svd"))
    assert svd**2 < 0.8 * zero**2


def test_former_names_of_starts_are_read() -> None:
    assert CalderaParams.model_validate({"start": "lowrank"}).start == "svd"
    assert CalderaParams.model_validate({"start": "quantize"}).start == "zero"
