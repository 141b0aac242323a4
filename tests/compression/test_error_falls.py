"""Properties of the error E(D) = tr(D H Dᵀ) that a compressed Linear is judged by, over random shapes and settings."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkpoints.qlr import QLR
from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule
from harness_plugins.compressors.caldera.linears import compress_linears
from harness_plugins.compressors.caldera.metric import prepare

SHAPES = {
    "rows": st.integers(3, 30),
    "columns": st.integers(3, 40),
    "bits": st.integers(2, 5),
    "group": st.sampled_from([0, 7, 16]),
    "seed": st.integers(0, 2**20),
}


def problem(rows: int, columns: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """W (m, n) and the second moment of correlated inputs of unequal size."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(4 * columns, columns, generator=generator) @ torch.randn(columns, columns, generator=generator)
    x *= torch.rand(columns, generator=generator) + 0.1
    return torch.randn(rows, columns, generator=generator), x.T @ x / len(x)


def solved(weight: torch.Tensor, hessian: torch.Tensor, decision: Decision, iterations: int = 1) -> QLR:
    return compress_linears({"w": weight}, hessian, {"w": decision}, Schedule(iterations, 3))["w"]


@given(**SHAPES, rank=st.integers(0, 3), factor_bits=st.sampled_from([4, 16]))
@settings(max_examples=30, deadline=None)
def test_the_stated_error_is_that_of_what_is_stored(
    rows: int, columns: int, bits: int, group: int, seed: int, rank: int, factor_bits: int
) -> None:
    weight, hessian = problem(rows, columns, seed)
    decision = Decision(bits=bits, group=group, rank=min(rank, rows, columns), factor_bits=factor_bits)
    result = solved(weight, hessian, decision, iterations=2)
    metric = prepare(hessian)
    truth = (metric.error(weight - result.dequantize()) / metric.error(weight)) ** 0.5
    assert result.error is not None
    assert abs(result.error - truth) < 1e-3 * truth + 1e-5
    best = min(result.trace[1:] or result.trace)  # of the full iterates; as the loop saw it, from thin products
    assert result.error <= best * (1 + 1e-4) + 1e-5


@given(**SHAPES, rank=st.integers(1, 3), factor_bits=st.sampled_from([4, 16]))
@settings(max_examples=30, deadline=None)
def test_further_iterations_never_raise_it(
    rows: int, columns: int, bits: int, group: int, seed: int, rank: int, factor_bits: int
) -> None:
    weight, hessian = problem(rows, columns, seed)
    decision = Decision(bits=bits, group=group, rank=min(rank, rows, columns), factor_bits=factor_bits)
    errors = [solved(weight, hessian, decision, iterations).error for iterations in (1, 2, 5)]
    assert None not in errors
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(errors))


@given(**SHAPES)
@settings(max_examples=30, deadline=None)
def test_a_low_rank_step_never_raises_it(rows: int, columns: int, bits: int, group: int, seed: int) -> None:
    weight, hessian = problem(rows, columns, seed)
    decision = Decision(bits=bits, group=group, rank=1)
    helped = compress_linears({"w": weight}, hessian, {"w": decision}, Schedule(1, 3, start="zero"))["w"]
    rounded, corrected = (
        helped.trace
    )  # Q alone, then Q + L·R; a plain Q is polished as well, and may be better than both
    assert helped.error == pytest.approx(corrected, rel=1e-3, abs=1e-6)  # of what is stored, and as the loop saw it
    assert corrected <= rounded * (1 + 1e-3) + 1e-5  # factors are stored in float16
