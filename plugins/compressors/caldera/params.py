"""Parameters of the calibrated compressor; nothing here imports torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from harness.contract import Decision, Params

FactorBits = Literal[2, 3, 4, 5, 6, 7, 8, 16]


class CalderaParams(Params):
    """W ≈ Q + L·R. `rank` None means round(hidden / 56), 0 is GPTQ; `group` 0 is one scale per matrix."""

    bits: int = Field(4, ge=2, le=8)
    rank: int | None = Field(None, ge=0)
    factor_bits: FactorBits = 4
    group: int = Field(64, ge=0)
    factor_group: int = Field(64, ge=0)
    grid: Literal["midrise", "midtread"] = "midrise"
    rotate: bool = False
    rotation_seed: int = Field(0, ge=0)
    allocation: Literal["uniform", "ultra", "selective"] = "uniform"
    match: float | None = Field(None, gt=0)  # uniform: fill this many bits per weight, by bits, then by rank
    protect: int | None = Field(None, ge=0)  # selective: blocks left at 16 bit; None means max(1, round(blocks / 8))
    shuffle: int | None = Field(None, ge=0)  # control: permute the plan across blocks of equal shape, by this seed
    iterations: int = Field(15, ge=1)  # T of the paper
    factor_iterations: int = Field(10, ge=0)  # J of the paper
    start: Literal["auto", "lowrank", "quantize"] = "auto"
    rounding: Literal["ldlq", "nearest"] = "ldlq"

    @model_validator(mode="after")
    def _one_meaning(self) -> CalderaParams:
        if self.protect is not None and self.allocation != "selective":
            raise ValueError('protect needs allocation = "selective"')
        if self.match is not None and self.allocation != "uniform":
            raise ValueError('match needs allocation = "uniform"')
        return self

    def decision(self, rank: int, bits: int | None = None) -> Decision:
        return Decision(
            bits=self.bits if bits is None else bits,
            group=self.group,
            grid=self.grid,
            rank=rank,
            factor_bits=self.factor_bits,
            factor_group=self.factor_group,
            rotate=self.rotate,
        )
