"""Keys: equal exactly when the work is equal. Contrasts: only cells that differ in one factor."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.planning.experiment import Experiment, experiment_from, parse_overrides, parse_seeds, split_models
from harness.planning.given import experiment_given
from harness.planning.plan import make_plan
from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import load_plugins
from harness.running.executors import Event
from harness.store.hashing import key_of

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(load_plugins([TOYS]))


@pytest.fixture(scope="module")
def plan_of(catalogue, tiny_qwen2):
    def make(**fields) -> Plan:
        return make_plan(experiment_from({"tasks": ("toy",), "model": (str(tiny_qwen2),), **fields}), catalogue)

    return make


def keys(plan: Plan) -> set[str]:
    return {cell.sample_key for cell in plan.cells}


def test_arms_repeats_and_detectors_change_no_sample_key_and_no_folder(plan_of):
    base = plan_of()
    for change in ({"runs": 7}, {"compressor": ("rtn3",)}, {"detectors": ("long-reply",)}):
        other = plan_of(**change)
        assert keys(base) <= keys(other)
        assert other.name == base.name


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"top_p": 0.9},
        {"max_tokens": 3},
        {"batch_size": 3},
        {"dtype": "bfloat16"},
        {"seeds": (1,)},
        {"limit": 2},
        {"params": {"toy": {"items": 9}}},
    ],
)
def test_whatever_can_change_a_reply_changes_the_key(plan_of, change):
    assert keys(plan_of()).isdisjoint(keys(plan_of(**change)))


def test_a_grader_changes_the_verdicts_key_and_keeps_the_samples(plan_of):
    strict, published = plan_of(), plan_of(suite_flags={"grader": "published"})
    assert keys(strict) == keys(published)
    assert {c.grade_key for c in strict.cells}.isdisjoint({c.grade_key for c in published.cells})


def test_a_compressor_with_other_parameters_is_another_artefact(plan_of):
    three, four = plan_of(compressor=("rtn3",)), plan_of(compressor=("rtn3",), params={"rtn3": {"bits": 4}})
    assert three.cells[1].compressed_key != four.cells[1].compressed_key
    assert three.cells[0].sample_key == four.cells[0].sample_key
    assert next(iter(three.sizes.values())).stored_bits < next(iter(four.sizes.values())).stored_bits


def test_equal_parameters_under_two_names_are_one_artefact(plan_of):
    plan = plan_of(compressor=("rtn", "rtn4"), params={"rtn": {"bits": 4}})
    assert plan.cells[1].compressed_key == plan.cells[2].compressed_key


def test_contrasts_pair_with_the_baseline_and_with_the_control(plan_of):
    plan = plan_of(compressor=("uniform3", "ultra3"), seeds=(1, 2))
    label = {cell.id: (cell.compressor.label, cell.seed) for cell in plan.cells}
    pairs = {(label[c.base], label[c.other]) for c in plan.contrasts}
    assert pairs == {
        ((base, seed), (other, seed))
        for seed in (1, 2)
        for base, other in (("none", "uniform3"), ("none", "ultra3"), ("uniform3", "ultra3"))
    }


def test_without_the_baseline_there_is_no_untouched_cell(plan_of):
    plan = plan_of(compressor=("rtn3",), baseline=False)
    assert [cell.compressor.label for cell in plan.cells] == ["rtn3"]


def test_plans_survive_json(plan_of):
    plan = plan_of(compressor=("ultra3",))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=5), st.randoms(use_true_random=False))
def test_keys_do_not_depend_on_the_order_of_fields(table, random):
    items = list(table.items())
    random.shuffle(items)
    assert key_of(table) == key_of(dict(items))


@settings(max_examples=150, deadline=None)
@given(json_values, json_values)
def test_keys_differ_where_values_differ(left, right):
    import json

    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (key_of(left) == key_of(right)) == same


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=1, max_size=6, unique=True))
def test_seed_lists_round_trip(seeds):
    assert list(parse_seeds(",".join(map(str, seeds)))) == seeds


ODD_NAMES = ["a,b", "a,b,c", "trailing,", "a b", "a=b", "a@b", "a:b", "50%", "größe", "a'b", "[a]", "a, b"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_existing_model_folder_is_taken_whole(name, tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models" / name
    shutil.copytree(tiny_qwen2, folder)
    shutil.copytree(tiny_qwen2, tmp_path / "other")
    for written in (f"models/{name}", str(folder)):
        assert split_models(written) == (written,)
        assert split_models(f"other,{written}") == ("other", written)
        assert split_models(f"{written},other") == (written, "other")
    experiment = experiment_given([], {"model": [f"models/{name}"], "compressor": ["rtn4"], "tasks": ["goodhart7"]})
    made = make_plan(experiment, load_catalogue(load_plugins()))
    assert {cell.model.path for cell in made.cells} == {str(folder)}


def test_models_that_are_no_folders_are_split_at_commas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert split_models("pocket, org/model,,pocket ") == ("pocket", "org/model")
    assert split_models("no/such,folder") == ("no/such", "folder")


def test_overrides_are_typed_as_toml_or_text():
    for text in ("nan", "inf", "[1, -inf]", "1e999"):
        with pytest.raises(UsageError, match="is no finite number"):
            parse_overrides([f"a.b={text}"])
    assert parse_overrides(["a.b='nan'", "a.c=2024-01-01"]) == {"a": {"b": "nan", "c": "2024-01-01"}}
    assert parse_overrides(["a.b=3", "a.c=true", "x@2.5.d=hello world"]) == {
        "a": {"b": 3, "c": True},
        "x@2.5": {"d": "hello world"},
    }


def test_an_experiment_rejects_unknown_fields():
    with pytest.raises(Exception, match="colour"):
        experiment_from({"colour": "red"})
    assert Experiment().runs == 1


def test_a_later_layer_sets_single_parameters_and_leaves_the_others():
    file = {"params": {"a": {"items": 48, "shape": "long"}, "b": {"bits": 3}}, "runs": 2}
    merged = experiment_from(file, {"params": {"a": {"items": 2}, "c": {"seed": 1}}})
    assert merged.params == {"a": {"items": 2, "shape": "long"}, "b": {"bits": 3}, "c": {"seed": 1}}
    assert file["params"]["a"]["items"] == 48


def test_what_is_no_text_is_refused_before_a_plan_has_to_hold_it():
    with pytest.raises(UsageError, match=r"system: 'be .udcff' is no text in UTF-8"):
        experiment_from({"system": "be \udcff"})
    event = Event(kind="failed", cell="c", error="a reply: \ud800")
    assert Event.model_validate_json(event.model_dump_json()) == event


def test_no_compressor_calibrates_on_the_text_it_is_asked(tiny_qwen2, tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("First take the discount off the price. " * 60)
    (tmp_path / "copy.txt").write_bytes((tmp_path / "text.txt").read_bytes())
    (tmp_path / "other.txt").write_text("A recipe for 4 people needs 250 g of flour. " * 60)
    (tmp_path / "registry.toml").write_text(
        f'[models.small]\npath = "{tiny_qwen2}"\ncalibration = "text.txt"\n', encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    catalogue = load_catalogue(load_plugins(), [tmp_path / "registry.toml"])

    def plan(text: str, compressor: str) -> Plan:
        asked = {"model": ("small",), "tasks": (f"perplexity:{text}",), "compressor": (compressor,)}
        return make_plan(experiment_from(asked), catalogue)

    for text in ("text.txt", "copy.txt"):
        with pytest.raises(UsageError, match=rf"would calibrate small on \S+/text.txt, .* asks {text}: the same text"):
            plan(text, "uniform3")
        assert plan(text, "rtn3").cells  # calibrates on nothing
    assert plan("other.txt", "uniform3").cells


def test_texts_that_several_items_share_are_counted_once_and_apart_from_generations(tiny_qwen2):
    params = {"goodhart7": {"families": ["discount_coupon"], "items": 8, "understanding": "choose"}}
    fields = {"tasks": ("goodhart7",), "model": (str(tiny_qwen2),), "params": params, "runs": 3}
    cell = make_plan(experiment_from(fields), load_catalogue(load_plugins([]))).cells[0]
    assert cell.items == 8  # two sets of four
    assert cell.generations == 8 * 3
    assert cell.scored == 8 * 3  # each scenario's text is scored once, and read by its set's four items
    assert cell.asked == (8 + 8 * 4) * 3
