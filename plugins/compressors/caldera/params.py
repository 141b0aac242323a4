"""Parameters of the calibrated compressors; nothing here imports torch."""

from __future__ import annotations

from typing import Literal

from pydantic import ByteSize, Field, model_validator

from harness.contract import Decision, Params
from harness_plugins.compressors.caldera.sensitivity_plan import digest_of

Width = Literal[2, 3, 4, 5, 6, 7, 8, 16]


class EngineParams(Params):
    """How W ≈ Q + L·R is found and stored, whatever decides bits and rank. `group` 0 is one scale per matrix.

    `hessian` "guided" weighs each calibration token by how much the loss depends on what the Linears put out there.
    `refit` is α of QEP (arXiv 2504.09629): how much of the errors before it a Linear is fitted to undo; `refit_mlp` that of the
    Linears outside attention, None the same.
    """

    former_values = {"start": {"lowrank": "svd", "quantize": "zero"}}

    factor_bits: Width = 4
    group: int = Field(64, ge=0)
    factor_group: int = Field(64, ge=0)
    grid: Literal["midrise", "midtread"] = "midrise"
    rotate: bool = False
    rotation_seed: int = Field(0, ge=0)
    iterations: int = Field(15, ge=1)  # T of the paper
    factor_iterations: int = Field(10, ge=0)  # J of the paper, for the first low-rank step; later ones take one round
    start: Literal["auto", "best", "zero", "svd", "srr", "odlri", "gilora"] = (
        "auto"  # the low-rank part before the first Q
    )
    hessian: Literal["plain", "guided"] = "plain"
    rounding: Literal["ldlq", "nearest"] = "ldlq"
    refit: float = Field(1.0, ge=0, le=1)
    refit_mlp: float | None = Field(None, ge=0, le=1)

    def decision(self, rank: int, bits: int) -> Decision:
        return Decision(
            bits=bits,
            group=self.group,
            grid=self.grid,
            rank=rank,
            factor_bits=self.factor_bits,
            factor_group=self.factor_group,
            rotate=self.rotate,
        )


class CalderaParams(EngineParams):
    """Bits and rank by rule. `rank` None means round(hidden / 56), 0 is GPTQ. `shared_right` gives Linears of one input one R,
    and by `rank` None as much rank as takes the bits that round(hidden / 56) takes with an R each.
    """

    bits: int = Field(4, ge=2, le=8)
    rank: int | None = Field(None, ge=0)
    allocation: Literal["uniform", "ultra", "selective"] = "uniform"
    protect: int | None = Field(None, ge=0)  # selective: blocks protected; None means max(1, round(blocks / 8))
    protected_bits: Width = 16  # selective: what they are stored in; 16 leaves them untouched
    where: Literal["last", "first"] = "last"  # selective: which end is protected
    shared_right: bool = False

    @model_validator(mode="after")
    def _one_meaning(self) -> CalderaParams:
        given = self.protect is not None or self.protected_bits != 16 or self.where != "last"
        if given and self.allocation != "selective":
            raise ValueError('protect, protected_bits and where need allocation = "selective"')
        if self.shared_right and self.allocation != "uniform":
            raise ValueError('shared_right needs allocation = "uniform"')
        return self


class BudgetParams(EngineParams):
    """Exactly one of `bpw`, bits per weight of the decoder blocks' Linears, and `size`, bytes of all weight files ("2GB").

    `widths` are the bit widths to choose from for Q (16 means "untouched"); each also comes with `rank` where it is at
    most `ranked_below` bits. `tied` gives Linears that share an input one decision, as fused serving kernels need.
    """

    bpw: float | None = Field(None, gt=0)
    size: ByteSize | None = Field(None, gt=0)
    rank: int | None = Field(None, ge=0)
    widths: tuple[Width, ...] = Field((2, 3, 4, 5, 6, 8), min_length=1)
    ranked_below: int = 4
    tied: bool = False


class UniformParams(Params):
    former_names = {"of": "treatment"}

    treatment: str  # the compressor whose size it matches


class RandomProtectParams(Params):
    former_names = {"of": "treatment"}

    treatment: str  # the compressor whose decisions are shuffled
    seed: int = Field(1, ge=0)


class MaskedParams(Params):
    """Which units are taken from `treatment`: whole `blocks`, and `linears` by name. `null` moves them by a rounding error at
    16 bits instead."""

    treatment: str
    blocks: tuple[int, ...] = ()
    linears: tuple[str, ...] = ()
    null: bool = False


class SensitiveParams(BudgetParams):
    """`plan` is the file that `harness sensitivity` wrote, or its run folder. `response` is the one to protect; None: all, as
    shares of the whole damage to each. `reverse` protects most what matters least: a control.
    """

    plan: str
    digest: str | None = None  # of the file; filled in
    response: str | None = None
    reverse: bool = False

    @model_validator(mode="after")
    def _fix_the_file(self) -> SensitiveParams:
        found = digest_of(self.plan)
        if self.digest not in (None, found):
            raise ValueError(f"{self.plan} has changed since this was decided")
        return self if self.digest else self.model_copy(update={"digest": found})
