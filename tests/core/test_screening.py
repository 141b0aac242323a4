"""A screen as an experiment, and the items that must not judge what they decided."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.api.sensitivity import prepare_screen
from harness.contract import Decision
from harness.contract.sensitivity import PLAN_FILE, Effect, SensitivityPlan, SweptLinear
from harness.errors import UsageError
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.planning.questions import item_key
from harness.planning.selection import Selection
from harness.registry.catalogue import Catalogue
from harness.registry.name_sources import NameSources
from harness.registry.sources import locate_model, model_shape
from harness.running.executors.groups import bundles
from harness_plugins.compressors.caldera.allocation import stored_bits
from harness_plugins.compressors.caldera.sensitivity_plan import shares


@pytest.fixture(scope="module")
def names() -> NameSources:
    return NameSources()


@pytest.fixture(scope="module")
def catalogue(names: NameSources) -> Catalogue:
    return names.catalogue


def experiment(**changes: object) -> Experiment:
    given = {"tasks": ("goodhart7", "fidelity"), "compressor": ("uniform2",), "model": ("pocket",), **changes}
    return Experiment(**given)  # type: ignore[arg-type]


def test_a_screen_is_a_plan_of_masks(names: NameSources, tmp_path: Path) -> None:
    made = prepare_screen(experiment(), names, "block", ("factorial", "add-one"), tmp_path)
    assert made.screen.units == ("0", "1", "2", "3", "4", "5")
    assert {design: len(made.screen.of(design)) for design in ("factorial", "add-one", "random", "null")} == {
        "factorial": 16, "add-one": 6, "random": 3, "null": 3,
    }  # fmt: skip
    cells = made.launch.plan.cells
    assert len(cells) == 2 * (16 + 6 + 3 + 3 + 2 + 1)
    assert all(cell.generations == 0 for cell in cells)  # likelihoods alone
    alone = next(cell for cell in cells if cell.compressor.label == "add-one-004")
    assert alone.compressor.params["blocks"] == [4]
    assert made.screen.responses["predicting"].sign == -1
    assert made.power[0].startswith("goodhart7: 56 items; of one block an accuracy shows 20 points or more")


def test_masks_of_one_treatment_are_swapped_in_one_worker(names: NameSources, tmp_path: Path) -> None:
    cells = prepare_screen(experiment(), names, "block", ("factorial",), tmp_path).launch.plan.cells
    untouched, masks = bundles(cells, 1)
    assert {cell.compressor.label for cell in untouched} == {"none"}
    assert [len(bundle) for bundle in (untouched, masks)] == [2, 2 * (16 + 3 + 3 + 2)]
    keys = [cell.weights_key for cell in masks]
    assert keys[::2] == keys[1::2]  # both suites of a mask, one after the other
    assert [len(bundle) for bundle in bundles(cells, 3)] == [2, 18, 16, 14]  # "whole" is a mask of the design, too
    plain = make_plan(experiment(compressor=("uniform2", "uniform3")), names.catalogue).cells
    assert [len(bundle) for bundle in bundles(plain, 1)] == [2, 2, 2]


def test_linears_are_units_too(names: NameSources, tmp_path: Path) -> None:
    made = prepare_screen(experiment(tasks=("fidelity",)), names, "linear", ("factorial",), tmp_path)
    assert len(made.screen.units) == 42
    assert len(made.screen.of("factorial")) == 2 * 44  # Paley: 43 is prime
    assert "model.layers.0.mlp.down_proj" in made.screen.units


def test_items_that_judge_a_run_do_not_count(names: NameSources, tmp_path: Path) -> None:
    """A family's canonical set is asked under every seed."""
    made = prepare_screen(experiment(), names, "block", ("add-one",), tmp_path)
    assert len(made.held_out["goodhart7"]) == 28
    assert len(made.held_out["fidelity"]) == 0
    judged = Selection(experiment(), names.catalogue)
    suite = judged.suite_of(judged.suite("goodhart7", "pocket"))
    assert not {item_key(suite, item) for item in suite.items()} & set(made.keys["goodhart7"].values())


@pytest.mark.parametrize(
    ("changes", "unit", "designs", "message"),
    [
        ({"compressor": ("uniform2", "uniform3")}, "block", ("factorial",), "a screen is of one compressor"),
        ({"compressor": ("none",)}, "block", ("factorial",), "a screen is of one compressor"),
        ({}, "block", ("half",), "no design 'half'"),
        ({}, "head", ("factorial",), "no unit 'head'"),
        ({"compressor": ("budget@3",)}, "block", ("factorial",), "cannot be screened: it does not decide"),
        ({"compressor": ("selective3",)}, "block", ("factorial",), "it leaves model.layers.5.+ as it is"),
        ({"tasks": ("leetcode-loopholes",)}, "block", ("factorial",), "has no continuous responses"),
        ({"tasks": ()}, "block", ("factorial",), "no tasks selected"),
        ({"model": ("pocket", "smollm2")}, "block", ("factorial",), "a screen is of one model"),
        ({"params": {"goodhart7": {"seed": 1}}}, "block", ("factorial",), "all items of goodhart7 judge a run"),
    ],
)
def test_what_cannot_be_screened_is_said(
    names: NameSources, tmp_path: Path, changes: dict, unit: str, designs: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        prepare_screen(experiment(**changes), names, unit, designs, tmp_path)


@pytest.fixture(scope="module")
def plan_folder(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a screen of pocket could have found: block 4 matters most, block 1 least; its items are fidelity's own."""
    chosen = Selection(experiment(), catalogue)
    suite = chosen.suite_of(chosen.suite("fidelity", "pocket"))
    shape = model_shape(locate_model("pocket", catalogue))
    damage = [0.2, 0.0, 0.2, 0.2, 2.0, 0.2]
    found = SensitivityPlan(
        model="pocket",
        digest="d",
        compressor="uniform3",
        unit="block",
        designs=("factorial",),
        effects={"knowing": {str(block): Effect(damage=value, error=0.01) for block, value in enumerate(damage)}},
        noise={"knowing": 0.001},
        linears={
            linear.name: SweptLinear(
                unit=str(linear.block),
                rows=linear.rows,
                columns=linear.columns,
                decision=Decision(bits=3, rank=3),
                error=0.1,
            )
            for linear in shape.linears
        },
        items=tuple(item_key(suite, item) for item in suite.items()[:5]),
    )
    folder = tmp_path_factory.mktemp("screen")
    (folder / PLAN_FILE).write_text(found.model_dump_json())
    return folder


def test_sensitive_spends_where_it_matters(catalogue: Catalogue, plan_folder: Path) -> None:
    shape = model_shape(locate_model("pocket", catalogue))
    bits = {}
    for label in ("sensitive@3.0", "anti-sensitive@3.0"):
        compressor = catalogue.build(catalogue.resolve("compressors", label, {"plan": str(plan_folder)}))
        decisions = compressor.plan(shape)
        assert 2.9 * shape.weights < stored_bits(shape, decisions) <= 3.0 * shape.weights
        bits[label] = [
            sum(linear.stored_bits(decisions[linear.name]) for linear in shape.linears if linear.block == block)
            for block in range(shape.blocks)
        ]
    spent, against = bits["sensitive@3.0"], bits["anti-sensitive@3.0"]
    assert spent.index(max(spent)) == 4
    assert spent.index(min(spent)) == 1
    assert against.index(max(against)) == 1
    assert against.index(min(against)) == 4


def test_shares_are_clamped_and_reversed(plan_folder: Path) -> None:
    plan = SensitivityPlan.model_validate_json((plan_folder / PLAN_FILE).read_bytes())
    found = shares(plan, None)
    assert sum(found.values()) == pytest.approx(1)
    assert found["1"] == pytest.approx(1e-3 * found["0"])  # a thousandth of the median
    turned = shares(plan, "knowing", reverse=True)
    assert turned["1"] == max(turned.values()) == found["4"]
    with pytest.raises(UsageError, match="no response 'tasting'"):
        shares(plan, "tasting")


def test_items_of_the_sweep_judge_nothing_that_it_decided(catalogue: Catalogue, plan_folder: Path) -> None:
    params = {"sensitive@3.0": {"plan": str(plan_folder)}}
    for arms in (("sensitive@3.0",), ("uniform@sensitive@3.0",)):
        wanted = experiment(compressor=arms, params=params)
        with pytest.raises(UsageError, match=r"decided by 5 of the 64 items that fidelity asks"):
            make_plan(wanted, catalogue)
    others = experiment(compressor=("sensitive@3.0",), params={**params, "fidelity": {"seed": 9}})
    assert make_plan(others, catalogue).cells


def test_a_plan_of_another_model_and_no_plan_at_all(catalogue: Catalogue, plan_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no sensitivity plan at .*nowhere"):
        catalogue.resolve("compressors", "sensitive@3.0", {"plan": str(tmp_path / "nowhere")})
    with pytest.raises(UsageError, match=r"sensitive@3.0.plan"):
        catalogue.resolve("compressors", "sensitive@3.0")
    (tmp_path / PLAN_FILE).write_text("{}")
    component = catalogue.resolve("compressors", "sensitive@3.0", {"plan": str(tmp_path)})
    with pytest.raises(UsageError, match="is no sensitivity plan"):
        catalogue.build(component)
    other = json.loads((plan_folder / PLAN_FILE).read_text())
    other["linears"].popitem()
    (tmp_path / PLAN_FILE).write_text(json.dumps(other))
    with pytest.raises(UsageError, match="has changed since"):
        catalogue.resolve("compressors", "sensitive@3.0", component.params)
    compressor = catalogue.build(catalogue.resolve("compressors", "sensitive@3.0", {"plan": str(tmp_path)}))
    with pytest.raises(UsageError, match="is of another model, pocket"):
        compressor.plan(model_shape(locate_model("pocket", catalogue)))
