"""What a compressor will store, known from shapes before any work: layers replaced, bits per weight, bits in all."""

from __future__ import annotations

from harness.contract import Compressor, Decisions, ModelShape, Record
from harness.registry import Catalogue, Component
from harness.registry.catalogue import build


class CompressionSize(Record):
    """Over the Linears of the decoder blocks; untouched ones count 16 bits a weight."""

    label: str
    linears: int
    replaced: int
    weights: int
    stored_bits: int
    estimated: bool = False  # the compressor decides after measuring, or its files are counted: this is the target

    @property
    def bits_per_weight(self) -> float:
        return self.stored_bits / self.weights


def size_of(component: Component, shape: ModelShape, catalogue: Catalogue) -> CompressionSize:
    compressor: Compressor = build(component, catalogue.spec("compressors", component.plugin)[0])
    decisions = compressor.plan(shape)
    return CompressionSize(
        label=component.label,
        linears=len(shape.linears),
        replaced=sum(not decision.kept for decision in decisions.values()),
        weights=shape.weights,
        stored_bits=stored_bits(shape, decisions),
        estimated=compressor.measures or compressor.whole_model,
    )


def stored_bits(shape: ModelShape, decisions: Decisions) -> int:
    return sum(decisions[linear.name].stored_bits(linear.rows, linear.columns) for linear in shape.linears)
