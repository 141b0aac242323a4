"""Imported by the first cell that compresses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import Compressor, Decision, Decisions, ModelShape


class TorchaoInt8(Compressor):
    whole_model = True
    calibrated = False

    def plan(self, shape: ModelShape, measurements=None) -> Decisions:
        return {linear.name: Decision(bits=8, group=linear.columns, grid="midtread") for linear in shape.linears}

    def compress_model(self, source: Path, calibration: Sequence[Sequence[int]], out: Path) -> None:
        from torchao.quantization import Int8WeightOnlyConfig
        from transformers import AutoModelForCausalLM, TorchAoConfig

        quantization = TorchAoConfig(Int8WeightOnlyConfig())
        model = AutoModelForCausalLM.from_pretrained(
            source, quantization_config=quantization, dtype="auto", trust_remote_code=False
        )
        model.save_pretrained(out)
