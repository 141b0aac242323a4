"""Every promise that harness.testing checks of a spec or a compressor is broken here once, and noticed."""

from __future__ import annotations

import pytest
import torch
from broken_compressors import DemandingParams, LooseParams
from heavy_params import HeavyParams

from harness import Compressor, CompressorSpec, DetectorSpec
from harness.checkpoints.shape import read_shape
from harness.testing import BrokenContract, check_compressor
from harness.testing.compressor import check_inputs_are_left_alone, check_logits, check_plans, check_size
from harness.testing.spec import check_light, check_spec, make

GOOD = CompressorSpec(name="good", summary="rounds", target="broken_compressors:Good")


def spec(**changes) -> CompressorSpec:
    return CompressorSpec(**{**dict(GOOD), **changes})


def broken(name: str) -> Compressor:
    return make(spec(target=f"broken_compressors:{name}"), {})


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (DetectorSpec(name="good", summary="s", target="t:T"), "returns CompressorSpec"),
        (spec(name="good@3"), "a name has none of"),
        (spec(name=""), "a name has none of"),
        (spec(summary="one\ntwo"), "one line"),
        (spec(params=LooseParams), "unknown parameter is an error"),
        (spec(params=DemandingParams), "bits"),
        (spec(target="broken_compressors"), 'reads "module:attribute"'),
        (spec(target="no_such_module:Good"), "can be imported"),
        (spec(target="broken_compressors:Absent"), "can be imported"),
        (spec(target="broken_compressors:DemandingParams"), "the target is a Compressor"),
    ],
)
def test_specs(wrong, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_spec(wrong, CompressorSpec, Compressor)


def test_parameters_in_a_module_that_imports_torch():
    check_light("harness.testing", "harness.testing.fixtures")
    with pytest.raises(BrokenContract, match="importing heavy_params does not import torch"):
        check_light(HeavyParams.__module__)
    with pytest.raises(BrokenContract, match="can be imported"):
        check_light("no_such_module")


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("Forgets", "one decision for each Linear"),
        ("PlansByChance", "equal parameters plan alike"),
        ("KeepsEverything", "at least one Linear is compressed"),
    ],
)
def test_plans(tiny_qwen2, name, cause):
    shape = read_shape(tiny_qwen2)
    check_plans(broken("Good"), broken("Good"), shape)
    with pytest.raises(BrokenContract, match=cause):
        check_plans(broken(name), broken(name), shape)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("StoresOtherwise", "the tiny model can be compressed"),
        ("RoundsByChance", "compressing twice writes the same bytes"),
        ("CopiesTheModel", "smaller than the model"),
    ],
)
def test_artefacts(tiny_qwen2, name, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_compressor(spec(target=f"broken_compressors:{name}"), tiny_qwen2)


def test_a_compressor_whose_module_imports_torch(tiny_qwen2):
    with pytest.raises(BrokenContract, match="does not import torch"):
        check_compressor(spec(target="heavy_compressor:Heavy"), tiny_qwen2)


def test_a_good_one_passes(tiny_qwen2):
    check_compressor(GOOD, tiny_qwen2)


def test_another_size_than_planned(tiny_qwen2, tmp_path):
    from harness.compression.calibration import CalibrationSource
    from harness.compression.driver import compress

    shape = read_shape(tiny_qwen2)
    report = compress(tiny_qwen2, broken("Good"), CalibrationSource(), tmp_path / "a")
    check_size(broken("Good"), shape, report)
    larger = report.size.model_copy(update={"bits_per_weight": report.size.bits_per_weight + 0.01})
    with pytest.raises(BrokenContract, match="the artefact stores the planned"):
        check_size(broken("Good"), shape, report.model_copy(update={"size": larger}))


def test_answers():
    before = torch.tensor([0.0, 1.0])
    check_logits(before + 1, before)
    with pytest.raises(BrokenContract, match="finite"):
        check_logits(before / 0, before)
    with pytest.raises(BrokenContract, match="changes the weights"):
        check_logits(before, before)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("DropsOne", "returns every Linear"),
        ("WritesToWeights", "leaves the weights"),
        ("WritesToHessian", "leaves the Hessian"),
    ],
)
def test_pure_mathematics(tiny_qwen2, name, cause):
    shape = read_shape(tiny_qwen2)
    check_inputs_are_left_alone(broken("Good"), shape, tiny_qwen2)
    with pytest.raises(BrokenContract, match=cause):
        check_inputs_are_left_alone(broken(name), shape, tiny_qwen2)
