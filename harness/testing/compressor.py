"""Does a compressor keep its contract?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.manifest import read_manifest, verify
from harness.checkpoints.shape import input_groups, shape_of
from harness.contract import Compressor, CompressorSpec, ModelShape
from harness.errors import HarnessError
from harness.planning.sizes import stored_bits
from harness.testing.assertions import BrokenContract, require
from harness.testing.model import CORPUS
from harness.testing.spec import check_light, check_spec, make

if TYPE_CHECKING:
    import torch

    from harness.compression.driver import CompressionResult


def check_compressor(
    spec: CompressorSpec, model: Path, params: dict[str, JsonValue] | None = None, treatment: Compressor | None = None
) -> None:
    """On `model`, a folder: the plan covers it and is a function of its shape; the artefact has the planned size, loads,
    answers with finite numbers, and comes out the same twice. `treatment` is what a control is a control of.

    Raises BrokenContract.
    """
    check_spec(spec, CompressorSpec, Compressor, params)
    check_light(spec.params.__module__, spec.target.partition(":")[0])  # planning imports both

    def fresh() -> Compressor:
        return make(spec, params or {}, *([treatment] if treatment else []))

    shape = shape_of(open_checkpoint(model))
    check_plans(fresh(), fresh(), shape)
    with tempfile.TemporaryDirectory() as folder:
        first = _compress(model, fresh(), Path(folder) / "first")
        second = _compress(model, fresh(), Path(folder) / "second")
        check_size(fresh(), shape, first)
        made, again = read_manifest(first.folder), read_manifest(second.folder)
        differs = [name for name in made.tensors if made.tensors[name] != again.tensors.get(name)]
        require(not differs, "compressing twice writes the same bytes", differs[:3])
        check_answers(first.folder, model)
    if not fresh().whole_model:
        check_inputs_are_left_alone(fresh(), shape, model)


def check_plans(one: Compressor, other: Compressor, shape: ModelShape) -> None:
    """A decision for each Linear of the model and no other; equal compressors plan alike; something is compressed."""
    from harness.contract.compression import check_plan

    if one.measures:
        return  # decided on measurements: the driver checks that plan
    try:
        decisions = check_plan(one.plan(shape), shape)
    except HarnessError as error:
        raise BrokenContract(f"the plan has one decision for each Linear: {error}") from error
    require(other.plan(shape) == decisions, "equal parameters plan alike")
    require(any(not decision.kept for decision in decisions.values()), "at least one Linear is compressed")


def check_size(compressor: Compressor, shape: ModelShape, report: CompressionResult) -> None:
    """The artefact stores what the plan said; a whole-model library's files are counted instead, and stay below 16 bits."""
    found = report.size.bits_per_weight
    if compressor.whole_model or compressor.measures:
        require(found < 16, "the artefact is smaller than the model", found)
        return
    planned = stored_bits(shape, compressor.plan(shape)) / shape.weights
    require(found == planned, f"the artefact stores the planned {planned:.4f} bits a weight", found)


def check_answers(artefact: Path, original: Path) -> None:
    """It loads with `from_pretrained`, and its answers differ from the original's, with finite numbers."""
    import torch

    from harness.models.load import load

    verify(artefact)
    tokens = torch.arange(24).view(2, 12)  # (B, T)
    with torch.no_grad():
        compressed, before = (load(folder, "cpu").model(tokens).logits for folder in (artefact, original))
    check_logits(compressed, before)


def check_logits(compressed: torch.Tensor, before: torch.Tensor) -> None:
    """(B, T, V) of the artefact and of the model it was made from."""
    require(bool(compressed.isfinite().all()), "the compressed model's logits are finite")
    require(not compressed.equal(before), "compression changes the weights")


def check_inputs_are_left_alone(compressor: Compressor, shape: ModelShape, model: Path) -> None:
    """`compress_linears` is pure mathematics: it returns a result for every Linear and writes to none of its arguments."""
    import torch

    from harness.models.load import load

    if compressor.measures:
        return
    decisions = compressor.plan(shape)
    linears = next(
        (group for _, group in input_groups(shape.linears) if not any(decisions[one.name].kept for one in group)), None
    )
    require(linears is not None, "every Linear of some input group is compressed")
    assert linears is not None
    state = load(model, "cpu").model.state_dict()
    weights = {linear.name: state[f"{linear.name}.weight"].float().clone() for linear in linears}
    columns = linears[0].columns
    inputs = torch.randn(4 * columns, columns, generator=torch.Generator().manual_seed(0))
    hessian = inputs.T @ inputs / len(inputs) if compressor.calibrated else None  # (columns, columns)
    kept = {name: weight.clone() for name, weight in weights.items()}, None if hessian is None else hessian.clone()
    made = compressor.compress_linears(weights, hessian, {name: decisions[name] for name in weights})
    require(set(made) == set(weights), "compress_linears returns every Linear it was given", sorted(made))
    same = all(torch.equal(weights[name], kept[0][name]) for name in weights)
    require(same, "compress_linears leaves the weights it is given alone")
    if hessian is not None and kept[1] is not None:
        require(torch.equal(hessian, kept[1]), "compress_linears leaves the Hessian it is given alone")


def _compress(model: Path, compressor: Compressor, out: Path) -> CompressionResult:
    from harness.compression.calibration import CalibrationSource
    from harness.compression.make import make_artefact

    try:
        return make_artefact(model, compressor, CalibrationSource(texts=CORPUS * 4), out)
    except HarnessError as error:
        raise BrokenContract(f"the tiny model can be compressed: {error}") from error
