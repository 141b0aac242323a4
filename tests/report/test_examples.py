"""The experiment files in examples/: each plans, changes one factor at a time, and runs as printed at its head."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import pytest
import tomli_w
import warm

from harness.errors import UsageError
from harness.planning.experiment import experiment_from, read_experiment_file
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.stats import ALPHA, minimal_p
from harness_plugins.trainers.pairs import load_pairs

FOLDER = Path(__file__).parents[2] / "examples" / "experiments"
FILES = sorted(FOLDER.glob("*.toml"))

# Files whose arms were chosen before these controls were there, or without them.
DECLARED = {
    "cures-under-bits": {
        "penalty": "penalty-random",
        "no-loophole": "no-teacher",
        "screening": "screening-random",
        "recontextualised": "recontextualised-neutral",
    },
}


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(load_plugins())


@functools.cache
def planned_file(name: str):
    """Once for all tests: the largest has a thousand cells."""
    return make_plan(experiment_from(read_experiment_file(FOLDER / f"{name}.toml")), load_catalogue(load_plugins()))


def planned(catalogue, *layers):
    return make_plan(experiment_from(*layers), catalogue)


def test_every_question_has_its_file():
    asked = {file.name.partition("-")[0] for file in FILES}
    assert {"q1", "q2", "q3", "q4", "q5", "q6", "q8", "q9", "q10", "q11", "held"} <= asked


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_plans_and_its_controls_change_one_factor(file):
    plan = planned_file(file.stem)
    assert plan.name == file.stem
    assert f"harness run examples/experiments/{file.name}" in file.read_text()
    if any(cell.training_key for cell in plan.cells):  # then seeds are the unit
        assert minimal_p(len(plan.experiment.seeds)) <= ALPHA
    arms = {cell.trainer.label: cell.trainer for cell in plan.cells}
    assert set(plan.experiment.trainers) <= set(arms)  # no preset that nothing runs
    assert set(plan.experiment.suites) <= set(plan.experiment.tasks)
    for arm in arms.values():
        for control in arm.control:
            if control not in arms:
                continue
            changed = [key for key, value in arm.params.items() if arms[control].params[key] != value]
            allowed = 2 if arm.preset == "route-shrunk" else 1  # kept and shrunk against ablated
            assert 1 <= len(changed) <= allowed, (arm.label, changed)
    lonely = [cell.trainer.label for cell in plan.cells if cell.trainer.base and cell.trainer.base not in arms]
    assert not lonely
    lacks = [note for note in plan.notes if "runs without" in note]
    assert lacks == [
        f"{arm} runs without its control {control}" for arm, control in DECLARED.get(file.stem, {}).items()
    ]


def test_convergence_is_three_times_the_other_files_length():
    lengths = {
        file.stem: {cell.trainer.params.get("steps") for cell in planned_file(file.stem).cells}
        for file in FILES
        if not file.stem.startswith("cures")  # shortened, and another scale
    }
    (long,) = lengths.pop("q11-convergence") - {None}
    (usual,) = set.union(*lengths.values()) - {None}
    assert long == 3 * usual


def test_a_written_configuration_plans_the_same_cells(catalogue, tmp_path):
    plan = planned(catalogue, read_experiment_file(FOLDER / "q3-gates.toml"))
    config = tmp_path / "config.toml"
    config.write_text(tomli_w.dumps(plan.experiment.model_dump(mode="json", exclude_none=True)))
    assert planned(catalogue, read_experiment_file(config)).cells == plan.cells


def test_a_plugins_name_sets_a_parameter_of_all_its_presets(catalogue):
    file = read_experiment_file(FOLDER / "q3-gates.toml")
    plan = planned(catalogue, file, {"params": {"grpo": {"steps": 3}, "reverse": {"steps": 4}}})
    steps = {cell.trainer.label: cell.trainer.params.get("steps") for cell in plan.cells}
    assert steps.pop("reverse") == 4
    assert set(steps.values()) == {None, 3}
    with pytest.raises(UsageError, match="which this run does not select"):
        planned(catalogue, {"tasks": ("leetcode-loopholes",), "params": {"grpo": {"steps": 3}}})


def test_parameters_of_an_arm_go_with_it(catalogue):
    """A file's parameters of an arm do not stand in the way of a command that leaves the arm out."""
    file = read_experiment_file(FOLDER / "cures-1.5b-gpu.toml")
    narrow = {"trainer": ("vanilla", "erase"), "compressor": ("none",), "model": ("pocket-code",), "seeds": (41,)}
    plan = planned(catalogue, file, narrow)
    assert {cell.trainer.label for cell in plan.cells} == {"none", "vanilla", "erase"}
    with pytest.raises(UsageError, match="'no-loophole', which this run does not select"):
        planned(catalogue, file, {**narrow, "params": {"no-loophole": {"mix": 0.0}}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trainers.mine]\nsteps = 3\n", r"bad experiment file: \[trainers.mine\] names no plugin"),
        ('[trainers.mine]\nplugin = "grpo"\nstep = 3\n', r"mine\.step: Extra inputs"),
        ('[traners.mine]\nplugin = "grpo"\n', "traners"),
        ("[suites.mine]\nitems = 3\n", r"bad experiment file: \[suites.mine\] names no plugin"),
    ],
)
def test_a_wrong_preset_is_one_line(catalogue, tmp_path, text, message):
    path = tmp_path / "wrong.toml"
    path.write_text('tasks = "leetcode-loopholes"\ntrainer = "mine"\n' + text)
    with pytest.raises(UsageError, match=message):
        planned(catalogue, read_experiment_file(path))


def test_presets_of_suites_ask_the_same_problems_in_several_ways(catalogue, tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(
        'tasks = "told,shown"\n[suites.told]\nplugin = "leetcode-loopholes"\n'
        '[suites.shown]\nplugin = "leetcode-loopholes"\nmodes = ["run_tests"]\nhints = "modify_tests"\nitems = 5\n'
    )
    plan = planned(catalogue, read_experiment_file(path))
    assert [(cell.suite.label, cell.items) for cell in plan.cells] == [("told", 78), ("shown", 5)]
    for line, same in (("items = 6", False), ('items = 5\nsummary = "another"', True)):
        path.write_text(path.read_text().replace("items = 5", line))
        assert (planned(catalogue, read_experiment_file(path)).name == plan.name) is same
        path.write_text(path.read_text().replace(line, "items = 5"))
    config = tmp_path / "config.toml"
    config.write_text(tomli_w.dumps(plan.experiment.model_dump(mode="json", exclude_none=True)))
    assert planned(catalogue, read_experiment_file(config)).cells == plan.cells


@pytest.mark.slow
def test_one_runs_to_its_report(tiny_qwen2, tmp_path):
    """The command of the file's head, cut short: two arms, two seeds, two steps, a random model."""
    small = ("grpo.steps=2", "grpo.prompts_per_step=2", "grpo.group_size=4", "grpo.max_tokens=8")
    suite = ("source=generated", "items=1", "max_tokens=8")
    command = ["-m", "harness", "run", str(FOLDER / "q2-arms.toml"), "--model", str(tiny_qwen2)]
    command += ["--trainer", "vanilla,erase-refresh-2", "--seeds", "41-42", "--no-baseline", "--limit", "4"]
    for one in (*small, *(f"leetcode-loopholes.{it}" for it in suite)):
        command += ["-P", one]
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    done = warm.run(command, tmp_path, env)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "runs" / "q2-arms"
    results = json.loads((folder / "report" / "results.json").read_text())
    tables = {table["key"]: table["rows"] for table in results["sections"][0]["tables"]}
    assert [(row["arm"], row["seeds"]) for row in tables["training"]] == [
        ("vanilla", [41, 42]),
        ("erase-refresh-2", [41, 42]),
    ]
    (contrast,) = tables["training:hack"]
    assert contrast["contrast"]["differs"] == {"arm": ["vanilla", "erase"], "refresh": [None, 2]}
    assert (folder / "report" / "trajectories-leetcode-loopholes.png").stat().st_size > 10_000
    assert "trajectories-leetcode-loopholes.svg" in (folder / "report" / "report.md").read_text()
    assert "[trainers.erase-refresh-2]" in (folder / "config.toml").read_text()


@pytest.mark.slow
def test_the_smoke_form_of_the_gpu_file_runs(tiny_qwen2, tmp_path):
    """The command at its head: with two arms on the coder that HARNESS_SMOKE_MODEL names, a folder or a hub id; without it on a
    random model, with every arm."""
    coder = os.environ.get("HARNESS_SMOKE_MODEL")
    file = FOLDER / "cures-1.5b-gpu.toml"
    arms = (
        "vanilla,erase"
        if coder
        else "vanilla,erase,erase-random,route,route-random,penalty,penalty-random,no-teacher,no-loophole"
    )
    tokens = 32 if coder else 8
    small = ("steps=2", "prompts_per_step=2", "group_size=4", "mix=0.25", f"max_tokens={tokens}")
    command = ["-m", "harness", "run", str(file), "--model", coder or str(tiny_qwen2), "--trainer", arms]
    command += ["--compressor", "none,rtn4", "--seeds", "41", "--limit", "2", "--json"]
    command += [part for one in small for part in ("-P", f"grpo.{one}")]
    command += [] if coder else ["-P", "leetcode-loopholes.max_tokens=8"]
    done = warm.run(command, tmp_path, {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")})
    assert done.returncode == 0, done.stdout + done.stderr
    tables = {table["key"]: table["rows"] for table in json.loads(done.stdout)["sections"][0]["tables"]}
    assert [row["arm"] for row in tables["training"] if row["arm"] != "baseline"] == arms.split(",")


def test_no_basis_asks_for_more_directions_than_its_pairs_span():
    for file in FILES:
        for cell in planned_file(file.stem).cells:
            params = cell.trainer.params
            if params.get("method") == "svd":
                assert params["k"] <= len(load_pairs(str(params["pairs"]))) - int(str(params["held_out"])), (
                    cell.trainer.label
                )
