"""From a model folder to an artefact that from_pretrained loads, packed and dense."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import harness.models  # noqa: F401  (registers the packed format)
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.contract import Compressor, Decision, Decisions, ModelShape, Params
from harness.models.qlr import QLR, QuantMatrix


class RTNParams(Params):
    bits: int = 4
    rank: int = 0
    factor_bits: int = 16


def quantize(matrix: torch.Tensor, bits: int, group: int) -> QuantMatrix:
    """Round to nearest on a mid-rise grid that spans each group's largest magnitude."""
    rows, columns = matrix.shape
    groups = -(-columns // group)
    padded = torch.zeros(rows, groups * group)
    padded[:, :columns] = matrix
    cells = padded.view(rows, groups, group)
    scales = (cells.abs().amax(-1) / (2**bits / 2)).clamp(min=1e-4).half()
    codes = (cells / scales.float().unsqueeze(-1) + (2**bits - 1) / 2).round().clamp(0, 2**bits - 1)
    return QuantMatrix(codes.view(rows, -1)[:, :columns].to(torch.uint8), scales, bits, group, "midrise")


class RTN(Compressor):
    """Round to nearest, then a truncated SVD of what is left."""

    calibrated = False

    def plan(self, shape: ModelShape, measurements: object = None) -> Decisions:
        decision = Decision(bits=self.params.bits, rank=self.params.rank, factor_bits=self.params.factor_bits)
        return {linear.name: decision for linear in shape.linears}

    def compress_group(
        self, weights: Mapping[str, torch.Tensor], hessian: torch.Tensor | None, decisions: Mapping[str, Decision]
    ) -> dict[str, QLR]:
        return {name: self.one(weight, decisions[name]) for name, weight in weights.items()}

    def one(self, weight: torch.Tensor, decision: Decision) -> QLR:
        q = quantize(weight, decision.bits, decision.group)
        if not decision.rank:
            return QLR(decision, q)
        u, s, v = torch.linalg.svd(weight - q.dequantize(), full_matrices=False)
        left, right = (u * s)[:, : decision.rank].T, v[: decision.rank]
        if decision.factor_bits == 16:
            return QLR(decision, q, left.half(), right.half())
        width = decision.factor_group
        return QLR(
            decision, q, quantize(left, decision.factor_bits, width), quantize(right, decision.factor_bits, width)
        )


class CalibratedRTN(RTN):
    """The same, but it insists on a Hessian and keeps it."""

    calibrated = True

    def compress_group(self, weights, hessian, decisions):
        columns = next(iter(weights.values())).shape[1]
        assert hessian.shape == (columns, columns)
        return super().compress_group(weights, hessian, decisions)


@pytest.mark.parametrize(
    "params", [RTNParams(bits=3), RTNParams(bits=4, rank=3, factor_bits=4), RTNParams(bits=2, rank=5)]
)
@pytest.mark.parametrize("kind", [RTN, CalibratedRTN])
def test_an_artefact_loads_packed_and_dense(tiny_qwen2: Path, tmp_path: Path, params: RTNParams, kind: type) -> None:
    report = compress(tiny_qwen2, kind(params), CalibrationSource(sequences=8, length=64), tmp_path / "a")
    packed = AutoModelForCausalLM.from_pretrained(tmp_path / "a", dtype=torch.float32)
    dense = AutoModelForCausalLM.from_pretrained(tmp_path / "a", dtype=torch.float32, dequantize=True)
    tokens = torch.arange(40)[None]
    torch.testing.assert_close(packed(tokens).logits, dense(tokens).logits, rtol=1e-5, atol=1e-5)
    assert report.size.replaced == report.size.linears == 21
    assert type(dense.model.layers[0].mlp.up_proj) is torch.nn.Linear
