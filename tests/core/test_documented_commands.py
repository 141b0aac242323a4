"""Every command of the README, the tutorial, the how-tos and the other pages does what a reader expects of it: the command line
takes it; what runs an experiment is planned for real; what reads a run is carried out on one."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
import warm
from documented import ROOT, Command, documented, write_plugins
from typer.main import get_command
from typer.testing import CliRunner

from harness.cli import app

WRITTEN = [
    f"docs/reference/{page}.md" for page in ("artefact", "program-problems", "run-folder")
]  # the others are generated
COMMANDS = documented("README.md", "docs/*.md", "docs/how-to/**/*.md", "docs/explanation/*.md", *WRITTEN)
MEASURED = documented("docs/results/*.md")  # of other versions, some of them: their options still exist
HARNESS = [one for one in COMMANDS if one.program == "harness"]

NOT_PLANNED = {  # a part of the command -> why it is parsed alone, and what runs it
    "--backend ": "needs a server, a key or a GPU; tests/lmeval",
    "judge.": "needs a judge of some size, or a server; tests/detectors/test_judge.py",
    "lm-eval/gsm8k": "its data is on a hub; tests/lmeval",
    "lm-eval/my_task": "a task of the reader's; tests/lmeval",
    "lm-eval/local_gsm8k": "data of the reader's; tests/lmeval",
    "s3://": "needs a store; tests/core/test_remote_s3.py",
    "mlflow": "needs the tracker; tests/trackers",
    "trackio": "needs the tracker; tests/trackers",
    "enable_thinking": "a variable of that model's template; tests/core/test_chat_options.py",
    "sensitive.plan": "needs a finished screen; tests/core/test_screening.py, test_sensitivity_command.py",
    "--freeze-detectors": "needs an earlier run; tests/report/test_frozen_detectors.py",
    "sensitive.plan=": "needs a measured plan; tests/core/test_sensitivity_command.py",
    "--estimate": "times a block; tests/compression/test_estimate.py",
}
NOT_CARRIED_OUT = {  # a verb -> why it is parsed alone, and what runs it
    "label": "asks a person; tests/core/test_label.py answers",
    "merge": "joins finished parts; tests/core/test_shards.py",
    "push": "needs a store; tests/core/test_remote.py",
    "pull": "needs a store; tests/core/test_remote.py",
    "compress": "takes a while; tests/compression, tests/compressors",
    "detectors": "takes minutes; tests/detectors/test_detector_bench.py",
    "doctor": "takes a while; tests/core/test_doctor.py",
    "sensitivity": "takes minutes; tests/core/test_screening.py, test_sensitivity_command.py",
    "probe": "needs a trained run; tests/detectors/test_probe.py",
    "teacher": "runs programs; tests/trainers/test_pools.py",
}
OTHER_PROGRAMS = {  # neither ours nor Python's
    "curl": "asks a server",
    "git": "REPOSITORY is the reader's",
    "lm_eval": "tests/lmeval/test_suites_in_lm_eval.py",
    "tensorboard": "shows what tests/report/test_tensorboard.py reads",
    "transformers": "a server; tests/lmeval/test_backend_runs.py",
    "FOLDER/bin/vllm": "a server; tests/lmeval/test_vllm.py",
}


def test_there_are_many():
    assert len(HARNESS) > 60


# ------------------------------------------------------------------------------------------------------------ parsed


def parse(command: Command) -> None:
    """Verb and options exist and fit; nothing is run."""
    verb = get_command(app).loaded(command.verb)
    if len(command.words) > 2:  # else a sentence names the verb
        verb.make_context(command.verb, command.rest[1:])


@pytest.mark.parametrize("command", [one for one in (*HARNESS, *MEASURED) if one.program == "harness"], ids=str)
def test_the_command_line_takes_it(command):
    parse(command)


def test_an_option_that_does_not_exist_is_noticed():
    with pytest.raises(Exception, match="No such option"):
        parse(Command("", "harness run --no-such-option"))


def test_what_is_installed_made_and_called_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in (one for one in (*COMMANDS, *MEASURED) if one.program != "harness"):
        if found := re.search(r"(?:goodhart-harness|\.)\[(\w[\w-]*)\]", command.text):
            assert found[1] in extras, command
        elif command.program == "make":
            assert command.words[1] in targets, command
        elif command.program == "python" and command.words[1] != "-c":
            source = (ROOT / command.words[1]).read_text()
            for option in (word for word in command.words[2:] if word.startswith("--")):
                assert f'"{option}"' in source, command
        else:
            assert command.program in (*OTHER_PROGRAMS, "pip", "python", "make"), command


# ----------------------------------------------------------------------------------------------------------- planned


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A working folder with what the pages leave to the reader: pocket under the names of other models, files, plugins."""
    made = tmp_path_factory.mktemp("desk")
    pocket = ROOT / "plugins" / "tasks" / "goodhart" / "pocket"
    (made / "registry.toml").write_text(f'[models.smollm2]\npath = "{pocket}"\n')
    for name in ("MODEL", "FOLDER_OR_HUB_ID_OR_GGUF"):
        (made / name).symlink_to(pocket)
    (made / "FILE").write_text("A text of one's own.\n" * 50)
    (made / "experiment.toml").write_text('tasks = "goodhart7"\ncompressor = "rtn4,rtn3"\n')
    gap = {"problem": "3 + 4?", "gold": 7, "explanation": "Add.", "domain": "sums"}
    other = gap | {"problem": "3 * 4?", "gold": 12, "explanation": "Multiply."}
    (made / "gap.jsonl").write_text("\n".join(map(json.dumps, (gap, other))))
    write_plugins(made / "my_plugins")
    for name in ("pool.jsonl", "known.jsonl"):
        (made / name).write_text("")
    return made


@pytest.fixture
def at_desk(desk, monkeypatch) -> Path:
    monkeypatch.chdir(desk)
    for name, value in {
        "HARNESS_CACHE": str(desk / "cache"),
        "COLUMNS": "120",
        "GITHUB_STEP_SUMMARY": "summary.md",
        "SLURM_ARRAY_TASK_ID": "1",
        "SLURM_ARRAY_TASK_COUNT": "3",
    }.items():
        monkeypatch.setenv(name, value)
    return desk


def carried_out(command: Command, *more: str, code: int | tuple[int, ...] = 0) -> str:
    """In this process: the libraries are imported once."""
    done = CliRunner().invoke(app, [os.path.expandvars(word) for word in (*command.words[1:], *more)])
    assert done.exit_code in (code if isinstance(code, tuple) else (code,)), (
        f"{command}\n{done.output}\n{done.exception}"
    )
    return done.output


EXPERIMENTS = [one for one in HARNESS if one.verb in ("run", "plan") and len(one.words) > 2]


def without_a_plan(command: Command) -> bool:
    return any(part in command.text for part in NOT_PLANNED)


@pytest.mark.parametrize("command", [one for one in EXPERIMENTS if not without_a_plan(one)], ids=str)
def test_what_runs_an_experiment_is_planned(command, at_desk):
    told = carried_out(command, *["--dry-run"] * (command.verb == "run"))
    assert re.search(r"\d+ cells?, .* run folder ", told)


# ------------------------------------------------------------------------------------------------------- carried out


@pytest.fixture
def read(at_desk) -> Path:
    """The tutorial's run, two items of each suite, under the names that pages give to a run."""
    if not (at_desk / "RUN").exists():
        [first] = [
            one for one in HARNESS if one.page == "docs/tutorial.md" and one.text.endswith("--out runs/smollm2")
        ][:1]
        done = warm.run(["-m", "harness", *first.words[1:], "--limit", "2"], cwd=at_desk, env=dict(os.environ))
        assert "result: 4 of 4 cells scored" in done.stdout, done.stderr
        for name in ("RUN", "RUN_A", "RUN_B", "runs/NAME", "runs/release"):
            (at_desk / name).symlink_to(at_desk / "runs" / "smollm2")
        (at_desk / "FOLDER").symlink_to(next((at_desk / "cache").rglob("manifest.json")).parent)
    return at_desk


READING = [one for one in HARNESS if one.verb not in (*NOT_CARRIED_OUT, "run", "plan") and len(one.words) > 2]
READING = [one for one in READING if not without_a_plan(one)]


@pytest.mark.parametrize("command", READING, ids=str)
def test_what_reads_a_run_is_carried_out(command, read):
    carried_out(command, code=(0, 1, 3) if command.verb == "gate" else 0)


def test_every_exception_has_a_command():
    assert {part for part in NOT_PLANNED if not any(part in one.text for one in HARNESS)} == set()
    assert set(NOT_CARRIED_OUT) <= {one.verb for one in HARNESS}
    assert {one.program for one in COMMANDS} >= set(OTHER_PROGRAMS)


@pytest.mark.slow
def test_the_readme_says_what_its_first_command_finds(at_desk):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = next(one for one in HARNESS if one.verb == "run" and f"    {one.text}\n" in readme)
    done = warm.run(["-m", "harness", *first.words[1:], "--json"], cwd=at_desk, env=dict(os.environ))
    tables = {table["key"]: table for table in json.loads(done.stdout)["sections"][0]["tables"]}
    rates = {row["configuration"]: row for row in tables["results"]["rows"]}
    told = [
        f"{100 * rates[arm][rate]['value']:.1f} %"
        for arm in ("rtn2", "baseline")
        for rate in ("understanding", "execution")
    ]
    sentence = readme.partition("At 2.25 bits")[2].partition("CALDERA")[0]
    assert sorted(told) == sorted(re.findall(r"[\d.]+ %", sentence))
