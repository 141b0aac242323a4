"""What a compressor will store, known from shapes before any work: layers replaced, bits per weight, bits in all."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from harness.checkpoints.shape import READ_BY_OWNER, uncalibratable
from harness.contract import Compressor, Decisions, ModelShape, Record
from harness.contract.compression import check_plan
from harness.contract.records import renamed
from harness.registry.catalogue import Catalogue
from harness.registry.component import Component, blamed
from harness.store.hashing import key_of


class CompressionSize(Record):
    """Over the Linears of the decoder blocks; untouched ones count the bits they have in the model."""

    label: str
    linears: int
    replaced: int
    weights: int
    stored_bits: int
    estimated: bool = False  # its files will be counted
    at_most: bool = False  # decided after measuring; this is an upper bound
    max_bytes: int | None = None  # of all weight files; None if another library writes them

    @model_validator(mode="before")
    @classmethod
    def _read_former(cls, data: Any) -> Any:
        return renamed(data, {"most_bytes": "max_bytes"})

    @property
    def bits_per_weight(self) -> float:
        return self.stored_bits / self.weights

    @property
    def described(self) -> str:
        """Bits per weight, as far as they are known before any work."""
        mark = "≤" if self.at_most else "≈" if self.estimated else ""
        return f"{mark}{self.bits_per_weight:.3f}"


def size_of(component: Component, shape: ModelShape, catalogue: Catalogue) -> CompressionSize:
    compressor: Compressor = catalogue.build(component)
    with blamed(f"plan() of {component.label}"):
        decisions = check_plan(compressor.plan(shape), shape)
    for linear in shape.linears if compressor.calibrated else ():
        if linear.kind in READ_BY_OWNER and (compressor.measures or not decisions[linear.name].kept):
            raise uncalibratable("this model", linear.name)
    limit = compressor.limit(shape) if compressor.measures else None
    bits = stored_bits(shape, decisions) if limit is None else limit
    return CompressionSize(
        label=component.label,
        linears=len(shape.linears),
        replaced=sum(not decision.kept for decision in decisions.values()),
        weights=shape.weights,
        stored_bits=bits,
        estimated=compressor.whole_model,
        at_most=limit is not None,
        max_bytes=None if compressor.whole_model else -(-bits // 8) + shape.overhead,
    )


def parts_of(component: Component, model: str, catalogue: Catalogue) -> str | None:
    """What a masking compressor and others of its treatment take their parts from; None for a compressor that makes its own."""
    if component.untouched:
        return None
    compressor: Compressor = catalogue.build(component)
    treatment = compressor.treatment
    if not compressor.masks or treatment is None:
        return None
    return key_of([model, type(treatment).__qualname__, treatment.params.model_dump(mode="json")])


def stored_bits(shape: ModelShape, decisions: Decisions) -> int:
    return sum(linear.stored_bits(decisions[linear.name]) for linear in shape.linears)
