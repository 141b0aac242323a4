"""What listing and planning read: neither torch nor torchao is imported here."""

from __future__ import annotations

import harness
from harness import CompressorSpec

SPEC = CompressorSpec(
    name="torchao-int8",
    summary="torchao's int8 weights, one scale a row, in torchao's own files",
    target="torchao_native.compressor:TorchaoInt8",
    requires=("torchao",),
)


@harness.hookimpl
def harness_register_compressors() -> list[CompressorSpec]:
    return [SPEC]
