from __future__ import annotations

from harness.contract import CompressorSpec
from harness_plugins.compressors.rtn.plugin import RtnParams

SPEC = CompressorSpec(
    name="rtn",
    summary="Round to nearest with absmax group scales; uncalibrated",
    target="harness_plugins.compressors.rtn.plugin:Rtn",
    params=RtnParams,
)
