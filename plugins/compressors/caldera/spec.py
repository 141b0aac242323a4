from __future__ import annotations

from harness.contract import CompressorSpec
from harness_plugins.compressors.caldera.params import CalderaParams

SPEC = CompressorSpec(
    name="caldera",
    summary="Calibrated Q + L·R: LDLQ rounding and Hessian-weighted low-rank factors, alternating (arXiv 2405.18886)",
    target="harness_plugins.compressors.caldera.plugin:Caldera",
    params=CalderaParams,
)
