"""The published CALDERA code's errors on the seeded 512 × 512 matrix, met at no more stored bits than it spends."""

from __future__ import annotations

import pytest
import torch
from caldera_recipe import recipe

from harness.checkpoints.qlr import QLR
from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule
from harness_plugins.compressors.caldera.linears import compress_linears
from harness_plugins.compressors.caldera.rtn_svd import RtnSvd, RtnSvdParams

RANK = 64
REFERENCE = {(2, 16): 0.0799, (2, 4): 0.1047, (3, 16): 0.0440, (3, 4): 0.0568, (4, 16): 0.0239, (4, 4): 0.0313}
SEED_EXPERIMENTS = {2: 0.571, 3: 0.204, 4: 0.088}


@pytest.fixture(scope="module")
def matrices() -> tuple[torch.Tensor, torch.Tensor]:
    weight, hessian, _ = recipe(512)
    return weight, hessian


def relative_error(result: QLR, weight: torch.Tensor, hessian: torch.Tensor) -> float:
    """In the recipe's own metric, H / mean diagonal + 0.01 I, float64."""
    metric = hessian / hessian.diagonal().mean() + 0.01 * torch.eye(len(hessian), dtype=hessian.dtype)
    difference = weight - result.dequantize().double()
    return float((((difference @ metric) * difference).sum() / ((weight @ metric) * weight).sum()).sqrt())


@pytest.mark.parametrize(("bits", "factor_bits"), sorted(REFERENCE))
def test_reference_rows(matrices: tuple[torch.Tensor, torch.Tensor], bits: int, factor_bits: int) -> None:
    weight, hessian = matrices
    decision = Decision(bits=bits, group=0, rank=RANK, factor_bits=factor_bits, factor_group=0, rotate=True)
    # The reference stores one scale for Q and one for each quantized factor.
    scales = 16 * (1 if factor_bits == 16 else 3)
    assert decision.stored_bits(512, 512) <= 512 * 512 * bits + 2 * 512 * RANK * factor_bits + scales
    result = compress_linears({"w": weight.float()}, hessian.float(), {"w": decision}, Schedule())["w"]
    assert relative_error(result, weight, hessian) <= 1.03 * REFERENCE[bits, factor_bits]


@pytest.mark.parametrize("bits", sorted(SEED_EXPERIMENTS))
def test_rtn_svd_is_the_seed_experiments_scheme(matrices: tuple[torch.Tensor, torch.Tensor], bits: int) -> None:
    weight, hessian = matrices
    decision = Decision(bits=bits, group=128, grid="midtread", rank=RANK, factor_bits=4, factor_group=128)
    compressor = RtnSvd(RtnSvdParams(bits=bits, rank=RANK))
    result = compressor.compress_linears({"w": weight.float()}, None, {"w": decision})["w"]
    assert relative_error(result, weight, hessian) == pytest.approx(SEED_EXPERIMENTS[bits], rel=0.03)
