from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkpoints.qlr import QLR
from harness.contract import Decision
from harness.errors import StageError
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.linears import compress_linears
from harness_plugins.compressors.caldera.lowrank import balanced, principal, sixteen_bit
from harness_plugins.compressors.caldera.metric import prepare

QUICK = Schedule(iterations=3, factor_iterations=2)


def problem(rows: int, columns: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight with a low-rank part, and a Hessian of correlated inputs."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    x = draw(4 * columns, columns) @ (draw(columns, columns) / columns**0.5)
    return draw(rows, columns) + draw(rows, 2) @ draw(2, columns), x.T @ x / len(x)


def test_the_low_rank_step_is_the_weighted_optimum() -> None:
    """E(A − U Uᵀ A) equals the tail of the singular values of A C, H = C Cᵀ (Eckart–Young in the metric of H)."""
    a, hessian = problem(48, 64)
    a = a @ torch.diag(torch.logspace(0, -1, 64))
    metric = prepare(hessian)
    matrix = metric.ldl.matrix  # type: ignore[attr-defined]
    tail = torch.linalg.svdvals(a @ torch.linalg.cholesky(matrix))[8:].square().sum()
    basis = principal(a, metric, 8)
    factors = sixteen_bit(*balanced(a, basis[:, :8]))
    assert metric.error(a - factors.product()) == pytest.approx(float(tail), rel=0.01)


@pytest.mark.parametrize("factor_bits", [4, 16])
@pytest.mark.parametrize("start", ["zero", "svd", "srr", "odlri", "best"])
def test_the_best_full_iterate_is_kept_and_the_error_falls(factor_bits: int, start: str) -> None:
    weight, hessian = problem(64, 96)
    decision = Decision(bits=2, rank=8, factor_bits=factor_bits)
    one = decompose(weight, prepare(hessian), decision, Schedule(1, 4, start))  # type: ignore[arg-type]
    many = decompose(weight, prepare(hessian), decision, Schedule(8, 4, start))  # type: ignore[arg-type]
    full = many.trace[1:]  # the first half-step has only one of Q and L·R
    assert many.error == pytest.approx(min(full), rel=1e-4)  # the loop's own errors come from thin products
    assert many.error <= one.error * (1 + 1e-6)  # type: ignore[operator]
    difference = weight - many.dequantize()
    metric = prepare(hessian)
    assert (metric.error(difference) / metric.error(weight)) ** 0.5 == pytest.approx(many.error, rel=1e-4)


def test_more_bits_and_more_rank_never_hurt() -> None:
    weight, hessian = problem(64, 96)

    def error(bits: int, rank: int) -> float:
        decision = Decision(bits=bits, rank=rank, factor_bits=16)
        return compress_linears({"w": weight}, hessian, {"w": decision}, QUICK)["w"].error  # type: ignore[return-value]

    by_bits = [error(bits, 0) for bits in range(2, 9)]
    by_rank = [error(2, rank) for rank in (0, 2, 8, 32)]
    assert by_bits == sorted(by_bits, reverse=True)
    assert by_rank == sorted(by_rank, reverse=True)


def test_early_stop() -> None:
    weight, hessian = problem(32, 48)
    result = decompose(weight, prepare(hessian), Decision(bits=4), Schedule(iterations=50))
    assert len(result.trace) < 20


shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(max_examples=30, deadline=None)
@given(
    shape=shapes,
    bits=st.integers(2, 8),
    rank=st.integers(0, 4),
    factor_bits=st.sampled_from([3, 4, 16]),
    group=st.sampled_from([0, 8, 64]),
    rotated=st.booleans(),
    calibrated=st.booleans(),
)
def test_every_shape_and_decision_gives_a_finite_better_than_nothing_result(
    shape: tuple[int, int], bits: int, rank: int, factor_bits: int, group: int, rotated: bool, calibrated: bool
) -> None:
    weight, hessian = problem(*shape)
    decision = Decision(
        bits=bits,
        group=group,
        rank=min(rank, *shape),
        factor_bits=factor_bits,
        factor_group=group,
        rotate=rotated,
    )
    result = compress_linears({"w": weight}, hessian if calibrated else None, {"w": decision}, QUICK, seed=5)["w"]
    assert result.dequantize().shape == weight.shape
    assert torch.isfinite(result.dequantize()).all()
    assert result.error < 1  # type: ignore[operator]
    assert result.seed == (5 if rotated else None)
    assert_layout(result, shape)


def assert_layout(result: QLR, shape: tuple[int, int]) -> None:
    rows, columns = shape
    assert result.q.codes.shape == shape
    for factor, width in ((result.left, rows), (result.right, columns)):
        if result.decision.rank == 0:
            assert factor is None
        elif isinstance(factor, torch.Tensor):
            assert (factor.shape, factor.dtype) == ((result.decision.rank, width), torch.float16)
        else:
            assert factor is not None
            assert factor.codes.shape == (result.decision.rank, width)
            assert (factor.bits, factor.grid) == (result.decision.factor_bits, result.decision.grid)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_damaged_weight_is_named(value: float) -> None:
    weight, hessian = problem(8, 8)
    weight[3, 4] = value
    with pytest.raises(StageError, match=r"model\.q_proj: the weight holds NaN or Inf"):
        compress_linears({"model.q_proj": weight}, hessian, {"model.q_proj": Decision(bits=2)}, QUICK)


def test_a_hessian_of_another_width_is_named() -> None:
    weight, _ = problem(8, 8)
    with pytest.raises(StageError, match="does not fit"):
        compress_linears({"w": weight}, torch.eye(9), {"w": Decision(bits=2)}, QUICK)


@pytest.mark.parametrize("rank", [0, 3])
@pytest.mark.parametrize("factor_bits", [4, 16])
def test_zero_columns_rows_and_weights(rank: int, factor_bits: int) -> None:
    weight, hessian = problem(24, 40)
    weight[:, 5] = 0
    weight[2] = 0
    hessian[7] = hessian[:, 7] = 0
    decision = Decision(bits=3, rank=rank, factor_bits=factor_bits, group=8)
    some = compress_linears({"w": weight}, hessian, {"w": decision}, QUICK)["w"]
    assert some.error < 0.3  # type: ignore[operator]
    none = compress_linears({"w": torch.zeros(24, 40)}, hessian, {"w": decision}, QUICK)["w"]
    assert none.error == 0
    assert none.dequantize().abs().max() < 1e-6


def test_a_low_rank_weight_of_lower_rank_than_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(30, 1, generator=generator) @ torch.randn(1, 20, generator=generator)
    decision = Decision(bits=2, rank=6, factor_bits=4)
    result = compress_linears({"w": weight}, torch.eye(20), {"w": decision}, QUICK)["w"]
    assert result.error < 0.2  # type: ignore[operator]


def test_the_same_input_gives_the_same_output() -> None:
    weight, hessian = problem(32, 48)
    decision = Decision(bits=2, rank=4, factor_bits=4, rotate=True)
    runs = [compress_linears({"w": weight}, hessian, {"w": decision}, QUICK)["w"] for _ in range(2)]
    assert torch.equal(runs[0].q.codes, runs[1].q.codes)
    assert torch.equal(runs[0].dequantize(), runs[1].dequantize())
