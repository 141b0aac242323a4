"""The compressors of this engine, as data."""

from __future__ import annotations

from harness.contract import CompressorSpec
from harness_plugins.compressors.caldera.params import (
    BudgetParams,
    CalderaParams,
    MaskedParams,
    RandomProtectParams,
    SensitiveParams,
    UniformParams,
)
from harness_plugins.compressors.caldera.rtn import RtnParams
from harness_plugins.compressors.caldera.rtn_svd import RtnSvdParams

HERE = "harness_plugins.compressors.caldera"

CALDERA = CompressorSpec(
    name="caldera",
    summary="Calibrated Q + L·R: LDLQ rounding and Hessian-weighted low-rank factors, alternating (arXiv 2405.18886)",
    target=f"{HERE}.plugin:Caldera",
    params=CalderaParams,
)
BUDGET = CompressorSpec(
    name="budget",
    summary="CALDERA with bits and rank of each Linear solved from measured errors for a size (bpw or bytes)",
    target=f"{HERE}.budget:Budget",
    params=BudgetParams,
)
UNIFORM = CompressorSpec(
    name="uniform",
    summary="CALDERA with the same bits and rank everywhere, in the size of another compressor",
    target=f"{HERE}.controls:Uniform",
    params=UniformParams,
    treatment="treatment",
)
RANDOM_PROTECT = CompressorSpec(
    name="random-protect",
    summary="another compressor's decisions, dealt at random to other blocks of equal shape",
    target=f"{HERE}.controls:RandomProtect",
    params=RandomProtectParams,
    treatment="treatment",
)
SENSITIVE = CompressorSpec(
    name="sensitive",
    summary="budget, with the damage that `harness sensitivity` measured as the weight of each unit's error",
    target=f"{HERE}.sensitive:Sensitive",
    params=SensitiveParams,
)
MASKED = CompressorSpec(
    name="masked",
    summary="some blocks or Linears of another compressor's artefact, the rest untouched",
    target=f"{HERE}.masked:Masked",
    params=MaskedParams,
    treatment="treatment",
)
RTN = CompressorSpec(
    name="rtn",
    summary="Round to nearest with absmax group scales; uncalibrated",
    target=f"{HERE}.rtn:Rtn",
    params=RtnParams,
)
RTN_SVD = CompressorSpec(
    name="rtn-svd",
    summary="The published experiments' scheme: absmax RTN, one plain SVD of the residual, 4-bit factors; uncalibrated",
    target=f"{HERE}.rtn_svd:RtnSvd",
    params=RtnSvdParams,
)
SPECS = (CALDERA, BUDGET, SENSITIVE, UNIFORM, RANDOM_PROTECT, MASKED, RTN, RTN_SVD)
