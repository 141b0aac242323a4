from __future__ import annotations

from harness.contract import CompressorSpec
from harness_plugins.compressors.caldera.budget import BudgetParams

SPEC = CompressorSpec(
    name="budget",
    summary="CALDERA with bits and rank of each Linear solved from measured errors for a size (bpw or bytes)",
    target="harness_plugins.compressors.caldera.budget:Budget",
    params=BudgetParams,
)
