"""Compressors: what a model's Linears look like, how each is stored, and who decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from pydantic import JsonValue, model_validator

from harness.contract.records import Params, Record
from harness.errors import PluginError

if TYPE_CHECKING:
    import torch


class LinearShape(Record):
    """A Linear of a decoder block: weight (rows = out_features, columns = in_features) of `width` bits a number."""

    name: str  # as in the state dict, without ".weight"
    kind: str  # last part of the name: q_proj, down_proj, c_attn …
    block: int
    rows: int
    columns: int
    input_group: str  # Linears that read the same input are in one group and share one Hessian
    width: int = 16

    def stored_bits(self, decision: Decision) -> int:
        """Every bit an artefact stores for this Linear. Untouched, it is stored as the model stores it."""
        if decision.kept:
            return self.width * self.rows * self.columns
        return decision.stored_bits(self.rows, self.columns)


class ModelShape(Record):
    """`overhead` is an upper bound, in bytes, on what an artefact's files hold besides these Linears: untouched tensors
    and headers."""

    blocks: int
    hidden: int
    linears: tuple[LinearShape, ...]
    overhead: int = 0

    @property
    def weights(self) -> int:
        return sum(linear.rows * linear.columns for linear in self.linears)


class Decision(Record):
    """How one Linear is stored: Q in `bits` with one fp16 scale per (row, `group` columns), plus rank-`rank` L·R.

    `bits` = 16 leaves the Linear untouched. `group` = 0 is one scale for the whole matrix. Factors of fewer than 16
    bits carry one fp16 scale per `factor_group` entries along their long axis. `rotate` stores a seed, not a matrix.
    The grid "affine" stores an fp16 zero point beside each scale, as most quantizer libraries do, and takes no L·R.
    One that `borrows` stores no R: it uses that of the one Linear of its input group which does not.
    """

    bits: int = 16
    group: int = 64
    grid: Literal["midrise", "midtread", "affine"] = "midrise"
    rank: int = 0
    factor_bits: int = 16
    factor_group: int = 64
    rotate: bool = False
    borrows: bool = False

    @model_validator(mode="after")
    def _factors_make_sense(self) -> Decision:
        if self.grid == "affine" and self.rank:
            raise ValueError("the affine grid takes no low-rank factors")
        if self.borrows and not self.rank:
            raise ValueError("without low-rank factors there is nothing to borrow")
        return self

    @property
    def kept(self) -> bool:
        return self.bits >= 16

    def stored_bits(self, rows: int, columns: int) -> int:
        """Bits of codes padded to whole bytes a row, scales, L and R; 16 a weight where the Linear is untouched.

        What an artefact stores of an untouched one depends on its model: see `LinearShape.stored_bits`.
        """
        if self.kept:
            return 16 * rows * columns
        bits = matrix_bits(rows, columns, self.bits, self.group, zeros=self.grid == "affine")
        if self.rank:
            bits += matrix_bits(self.rank, rows, self.factor_bits, self.factor_group)  # Lᵀ (r, m)
        if self.rank and not self.borrows:
            bits += matrix_bits(self.rank, columns, self.factor_bits, self.factor_group)  # R (r, n)
        return bits


def matrix_bits(rows: int, columns: int, bits: int, group: int, zeros: bool = False) -> int:
    """Stored bits of one (rows, columns) matrix: codes padded to whole bytes per row, plus its fp16 scales (and zeros)."""
    if bits >= 16:
        return 16 * rows * columns
    scales = 1 if group == 0 else rows * -(-columns // group)
    return rows * 8 * -(-columns * bits // 8) + 16 * scales * (2 if zeros else 1)


@dataclass(frozen=True)
class Calibration:
    """Token sequences, each with the weight its activations carry in the Hessian."""

    sequences: list[list[int]]  # token ids
    weights: list[float]  # one a sequence

    @property
    def tokens(self) -> int:
        return sum(map(len, self.sequences))


class CompressedLinear(Protocol):
    """W ≈ Q + L·R of one Linear, as `harness.checkpoints.qlr.QLR` holds it."""

    decision: Decision
    q: Any  # codes (rows, columns) with their scales
    left: Any  # Lᵀ (rank, rows), or None
    right: Any  # R (rank, columns), or None
    seed: int | None  # of the incoherence rotation; None: not rotated
    error: float | None  # sqrt(tr(D H Dᵀ) / tr(W H Wᵀ)) with D = W − Ŵ
    trace: list[float]
    damping: float | None
    start: str | None  # which one of several beginnings the result comes from, where the method has any

    def dequantize(self) -> torch.Tensor:
        """Ŵ (rows, columns) float32, in the original basis."""
        ...


Decisions = dict[str, Decision]
Weights: TypeAlias = Mapping[str, "torch.Tensor"]  # name -> (rows, columns) float32
Hessian: TypeAlias = "torch.Tensor | None"  # (columns, columns) float32: the mean of x xᵀ over calibration tokens
Progress = Callable[[str, int, int], None]  # stage, done, total


class Compressor:
    """Decides bits and rank from shapes alone, then compresses the Linears that share an input together.

    A library that wants the whole model overrides `compress_model` instead of `compress_linears`.
    """

    calibrated: bool = True  # False: compress_linears is called with hessian=None and no calibration is run
    measures: bool = False  # True: `measure` is called before compressing, and plan() again with its table
    guided: bool = False  # True: a token counts in the Hessians by how much the loss depends on the outputs there
    masks: bool = False  # True: nothing is compressed anew, see `chosen`
    nudges: bool = False  # of one that masks: what it chooses is moved by a rounding error at 16 bits, not compressed
    questions: frozenset[str] = frozenset()  # keys of the items that decided it, which must not judge it, too
    whole_model: bool = False  # True: the driver calls compress_model
    unmeasured: frozenset[str] = frozenset()  # parameters that the table of `measure` does not depend on
    measured_as: type[Compressor] | None = None  # the class whose `measure` it takes as it is, and so its table
    treatment: Compressor | None = None  # what this one is a control of; the last in the chain measures

    def __init_subclass__(cls) -> None:
        if "compress_group" in cls.__dict__:
            raise PluginError(f"{cls.__name__}.compress_group is now called compress_linears")

    def __init__(self, params: Params) -> None:
        """A control's spec names the parameter that selects its treatment; the constructor gets that compressor as a
        second argument."""
        self.params = params

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        """One decision per Linear; size and bits per weight of the result follow from it before any work."""
        raise NotImplementedError

    def limit(self, shape: ModelShape) -> int | None:
        """Only if it `measures`: an upper bound on the stored bits of any plan, whatever the measurements say."""
        return None

    def makes_up(self, linear: LinearShape) -> float:
        """How much of what the compressed prefix has changed of its input this Linear is fitted to undo, 0 … 1."""
        return 1.0

    def chosen(self, shape: ModelShape) -> frozenset[str]:
        """Only if it `masks`: the Linears that its artefact takes from its treatment's, which is made once, with the
        original model's activations, for all masks of it. The others stay untouched."""
        raise NotImplementedError

    def measure(
        self, source: Path, calibration: Calibration, device: str, progress: Progress, scratch: Path
    ) -> JsonValue:
        """Only if it `measures`: a table of what `plan` needs to know about the model in folder `source`. The table is
        cached and shared by all compressors that differ in `unmeasured` parameters only, and by those `measured_as` one of
        them. The folder `scratch` is empty, or holds what an earlier, killed call with the same arguments left there."""
        raise NotImplementedError

    def compress_linears(
        self, weights: Weights, hessian: Hessian, decisions: Decisions
    ) -> Mapping[str, CompressedLinear]:
        """Pure mathematics. `weights`: name -> (rows, columns) float32; `hessian`: (columns, columns) float32, the mean
        of x xᵀ over calibration tokens, shared by all of them, or None when not `calibrated`."""
        raise NotImplementedError

    def compress_model(self, source: Path, calibration: Sequence[Sequence[int]], out: Path) -> None:
        """Write a loadable Hugging Face folder to `out`; stored bits are then counted from its files."""
        raise NotImplementedError


def check_plan(decisions: Any, shape: ModelShape) -> Decisions:
    """One decision for every Linear of the model, and for nothing else; who borrows has one lender. Raises PluginError."""
    remedy = "a bug in the compressor"
    if not isinstance(decisions, Mapping) or not all(isinstance(one, Decision) for one in decisions.values()):
        raise PluginError(
            f"the compressor's plan is {type(decisions).__name__}, not a Decision for each Linear", remedy
        )
    if odd := decisions.keys() ^ {linear.name for linear in shape.linears}:
        raise PluginError(f"the compressor's plan and the model disagree about {min(odd)}", remedy)
    for linear in (linear for linear in shape.linears if decisions[linear.name].borrows):
        group = [decisions[other.name] for other in shape.linears if other.input_group == linear.input_group]
        if [one.model_copy(update={"borrows": True}) for one in group if not one.borrows] != [decisions[linear.name]]:
            raise PluginError(
                f"the compressor's plan lets {linear.name} borrow, but not from one Linear like it", remedy
            )
    return dict(decisions)
