"""The library compressors as data."""

from __future__ import annotations

from harness.contract import CompressorSpec
from harness_plugins.compressors.libraries.params import GptqParams, HqqParams, QuantoParams, ReadyParams, TorchaoParams

HQQ = CompressorSpec(
    name="hqq",
    summary="HQQ: half-quadratic fit of scales and zero points; uncalibrated",
    target="harness_plugins.compressors.libraries.with_hqq:Hqq",
    params=HqqParams,
    requires=("hqq",),
    extra="quantizers",
)
QUANTO = CompressorSpec(
    name="quanto",
    summary="optimum-quanto: round to nearest between each group's extremes; uncalibrated",
    target="harness_plugins.compressors.libraries.with_quanto:Quanto",
    params=QuantoParams,
    requires=("optimum.quanto",),
    extra="quantizers",
)
TORCHAO = CompressorSpec(
    name="torchao",
    summary="torchao: symmetric round to nearest, integers of any width; uncalibrated",
    target="harness_plugins.compressors.libraries.with_torchao:Torchao",
    params=TorchaoParams,
    requires=("torchao",),
    extra="quantizers",
)
GPTQ = CompressorSpec(
    name="optimum-gptq",
    summary="optimum's GPTQ: second-order rounding, calibrated; the artefact is GPTQModel's own format",
    target="harness_plugins.compressors.libraries.with_gptq:Gptq",
    params=GptqParams,
    requires=("optimum.gptq", "gptqmodel"),
    extra="gptq",
)
READY = CompressorSpec(
    name="quantized",
    summary="a folder that some library has quantized, loaded by transformers; its bits counted from its files",
    target="harness_plugins.compressors.libraries.ready:Ready",
    params=ReadyParams,
)
SPECS = (GPTQ, HQQ, QUANTO, READY, TORCHAO)
