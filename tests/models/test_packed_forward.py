"""A Linear that stays packed computes what its dense weight computes, whichever way it is unpacked."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from harness.checkpoints import unpacking
from harness.checkpoints.packed_linear import QLRLinear
from harness.checkpoints.packed_tensors import layout
from harness.checkpoints.unpacking import fused, unpacked
from harness.contract import Decision


def random_linear(decision: Decision, rows: int, columns: int, seed: int = 0, **options: bool) -> QLRLinear:
    """Any bytes are codes; scales and 16-bit factors are of ordinary size."""
    generator = torch.Generator().manual_seed(seed)
    rotation = seed if decision.rotate else None
    linear = QLRLinear(decision, rows, columns, bias=True, seed=rotation, **options)
    for suffix, (shape, dtype) in layout(decision, rows, columns).items():
        if dtype == torch.uint8:
            values = torch.randint(0, 256, shape, generator=generator).to(torch.uint8)
        else:
            values = torch.randn(shape, generator=generator).half() / 8
        getattr(linear, suffix).copy_(values)
    torch.nn.init.normal_(linear.bias, generator=generator)
    return linear


@given(
    bits=st.integers(1, 8),
    group=st.sampled_from([0, 5, 32]),
    grid=st.sampled_from(["midrise", "midtread", "affine"]),
    rank=st.integers(0, 3),
    factor_bits=st.sampled_from([2, 4, 16]),
    rotate=st.booleans(),
    rows=st.integers(1, 24),
    columns=st.integers(1, 40),
)
@settings(max_examples=100, deadline=None)
def test_packed_and_dense_agree(
    bits: int, group: int, grid: str, rank: int, factor_bits: int, rotate: bool, rows: int, columns: int
) -> None:
    rank = 0 if grid == "affine" else rank
    decision = Decision(
        bits=bits, group=group, grid=grid, rank=rank, factor_bits=factor_bits, factor_group=group, rotate=rotate
    )
    linear = random_linear(decision, rows, columns, seed=bits, cache=False)
    x = torch.randn(2, 3, columns, generator=torch.Generator().manual_seed(1))
    expected = F.linear(x, linear.dequantize(), linear.bias)
    torch.testing.assert_close(linear(x), expected, rtol=1e-3, atol=1e-3 * (1 + float(expected.detach().abs().max())))
    assert linear._dense is None


def arguments(bits: int, grid: str, dtype: torch.dtype = torch.bfloat16) -> tuple:
    linear = random_linear(Decision(bits=bits, group=48, grid=grid), 20, 172)
    zeros = linear.q_zeros.float() if grid == "affine" else None
    return linear.q_codes, linear.q_scales.float(), zeros, bits, 48, grid, 172, dtype


CASES = [(2, "midrise"), (3, "midrise"), (5, "midtread"), (8, "affine")]


@pytest.mark.parametrize(("bits", "grid"), CASES)
def test_the_compiled_graph_is_the_plain_function(bits: int, grid: str) -> None:
    given = arguments(bits, grid)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*without a fused kernel")
        for _ in range(2):
            assert torch.equal(fused("aot_eager")(*given), unpacked(*given))


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "grid"), CASES)
def test_whatever_the_compiler_makes_of_it_the_result_is_right(bits: int, grid: str) -> None:
    given = arguments(bits, grid)
    for _ in range(2):
        assert torch.equal(fused()(*given), unpacked(*given))


def no_compiler(*_: object) -> torch.Tensor:
    raise RuntimeError("Cannot find a working triton installation\nand so on")


def wrong(*given: object) -> torch.Tensor:
    return unpacked(*given).roll(1, dims=1)


@pytest.mark.parametrize(
    ("compiled", "message"),
    [(no_compiler, "slowly: Cannot find a working triton installation$"), (wrong, "computes something else")],
)
def test_a_compiler_that_fails_is_said_to_once_and_plain_unpacking_goes_on(
    monkeypatch: pytest.MonkeyPatch, compiled: Callable[..., torch.Tensor], message: str
) -> None:
    monkeypatch.setattr(unpacking.torch, "compile", lambda *_, **__: compiled)
    given = arguments(3, "midrise")
    run = fused.__wrapped__()
    with pytest.warns(UserWarning, match=message):
        first = run(*given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        assert torch.equal(run(*given), first)
    assert torch.equal(first, unpacked(*given))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda_it_stays_packed() -> None:
    linear = random_linear(Decision(bits=3, rank=4, factor_bits=4), 256, 512).to("cuda")
    x = torch.randn(7, 512, device="cuda")
    expected = F.linear(x, linear.dequantize(), linear.bias)
    torch.testing.assert_close(linear(x), expected, rtol=1e-3, atol=1e-2)
    assert linear._dense is None
