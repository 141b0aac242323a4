from __future__ import annotations

from harness.contract import CompressorSpec
from harness_plugins.compressors.rtn_svd.plugin import RtnSvdParams

SPEC = CompressorSpec(
    name="rtn-svd",
    summary="The seed experiments' scheme: absmax RTN, one plain SVD of the residual, 4-bit factors; uncalibrated",
    target="harness_plugins.compressors.rtn_svd.plugin:RtnSvd",
    params=RtnSvdParams,
)
