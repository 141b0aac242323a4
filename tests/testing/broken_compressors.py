"""Compressors that break one promise each."""

from __future__ import annotations

import random
import shutil
from typing import Any

from harness import Compressor, Decision, Decisions, ModelShape, Params


class Good(Compressor):
    calibrated = False

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        return {linear.name: Decision(bits=8, group=32, grid="midtread") for linear in shape.linears}

    def compress_linears(self, weights, hessian, decisions):
        return {name: self.quantize(weight, decisions[name]) for name, weight in weights.items()}

    def quantize(self, weight, decision):
        import torch

        from harness.checkpoints.qlr import QLR, QuantMatrix

        scales = (weight.view(len(weight), -1, 32).abs().amax(dim=2) / 127).half()
        codes = (weight / scales.float().repeat_interleave(32, dim=1)).round().clamp(-128, 127) + 128
        return QLR(decision, QuantMatrix(codes.to(torch.uint8), scales, 8, 32, "midtread"))


class Forgets(Good):
    def plan(self, shape, measurements=None):
        return dict(list(super().plan(shape).items())[1:])


class PlansByChance(Good):
    def plan(self, shape, measurements=None):
        bits = random.choice(range(2, 9))
        return {linear.name: Decision(bits=bits, group=random.randint(1, 64)) for linear in shape.linears}


class KeepsEverything(Good):
    def plan(self, shape, measurements=None):
        return {linear.name: Decision() for linear in shape.linears}


class StoresOtherwise(Good):
    def quantize(self, weight, decision):
        made = super().quantize(weight, decision)
        made.q.codes = made.q.codes[:, 1:]
        return made


class RoundsByChance(Good):
    def quantize(self, weight, decision):
        return super().quantize(weight + 0.05 * weight.clone().uniform_(), decision)


class DropsOne(Good):
    def compress_linears(self, weights, hessian, decisions):
        made = super().compress_linears(weights, hessian, decisions)
        made.pop(next(iter(made)))
        return made


class WritesToWeights(Good):
    def compress_linears(self, weights, hessian, decisions):
        made = super().compress_linears(weights, hessian, decisions)
        for weight in weights.values():
            weight.zero_()
        return made


class WritesToHessian(Good):
    calibrated = True

    def compress_linears(self, weights, hessian, decisions):
        hessian.mul_(2)
        return super().compress_linears(weights, None, decisions)


class CopiesTheModel(Good):
    whole_model = True

    def compress_model(self, source, calibration, out):
        shutil.copytree(source, out)


class LooseParams(Params):
    model_config = {"extra": "ignore"}


class DemandingParams(Params):
    bits: int
