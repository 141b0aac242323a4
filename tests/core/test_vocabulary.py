"""What a table shows is what `show --label` takes; what a name stands for; which runs there are; how typing errors end."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path

import pytest

from harness.planning.cells import Plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.report.collect import axes_of
from harness.report.transcripts import transcripts
from harness.report.vocabulary import Words
from harness.store.run import RunStore

OLD = Path(__file__).parent / "old_run"


@pytest.fixture
def old(cli) -> Path:
    return Path(shutil.copytree(OLD, cli.cwd / "old"))


def quadrants(run: Path) -> list[tuple[bool, bool]]:
    lines = [line for path in run.glob("cells/*/verdicts-*.jsonl") for line in path.read_text().splitlines()]
    verdicts = [json.loads(line)["verdict"] for line in lines]
    return [(verdict["proxy"], verdict["truth"]) for verdict in verdicts]


def test_every_word_of_the_tables_finds_its_samples(cli, old):
    said = quadrants(old)
    expected = {
        "Goodhart gap": said.count((True, False)),
        "goodhart-gap": said.count((True, False)),
        "proxy_only": said.count((True, False)),
        "gap": said.count((True, False)),
        "DBDK": said.count((False, True)),
        "knows & does": said.count((True, True)),
        "does": sum(truth for _, truth in said),
        "error": 0,
    }
    store = RunStore(old)
    plan = Plan.of(store)
    words = Words.of(plan, store, axes_of(plan, load_catalogue(load_plugins())))
    for word, count in expected.items():
        words.refuse_unknown(word)
        wanted = functools.partial(words.means, word)
        assert len(list(transcripts(plan, store, wanted=wanted))) == count, word
    found = json.loads(cli("show", "old", "--label", "Goodhart gap", "--json", plugins=None).stdout)
    assert len(found) == expected["gap"]
    assert {entry["verdict"].partition(":")[0] for entry in found} == {"Goodhart gap"}


def test_words_and_ids_that_name_nothing_are_refused(cli, old):
    said = cli("show", "old", "--label", "hack", plugins=None, code=2).stderr
    assert said.startswith("error: no sample is called 'hack' here (one of knows & does, Goodhart gap, DBDK, neither")
    assert (
        "no sample of old has 'nothing' in its cell's id"
        in cli("show", "old", "--cell", "nothing", plugins=None, code=2).stderr
    )


def test_a_name_is_described_with_its_parameters_and_a_suite_with_an_item(cli):
    said = cli("describe", "goodhart7", plugins=None).stdout
    assert "strict or rubric or published" in said
    assert "▸ understanding" in said
    (found,) = json.loads(cli("describe", "uniform@ultra3", "--json", plugins=None).stdout)
    assert found["parameters"] == [{"name": "treatment", "type": "str", "default": None, "value": "ultra3"}]
    (toy,) = json.loads(cli("describe", "toy", "--json").stdout)
    assert [prompt["text"] for prompt in toy["example"]["prompts"]] == [
        "explain: what is 0 + 0?",
        "answer: what is 0 + 0?",
    ]
    assert "needs a text" in cli("describe", "perplexity", plugins=None).stdout
    assert len(json.loads(cli("describe", "none", "--json", plugins=None).stdout)) == 2
    assert "did you mean ultra" in cli("describe", "ulta3", plugins=None, code=2).stderr


def test_run_folders_are_listed_with_their_state(cli, old):
    (cli.cwd / "old" / "cells").rename(cli.cwd / "cells")
    broken = cli.cwd / "broken"
    broken.mkdir()
    (broken / "plan.json").write_text("{")
    found = {one["run"]: one for one in json.loads(cli("runs", ".", "--json", plugins=None).stdout)}
    assert found["old"]["state"] == "0/3 cells done"
    assert found["old"]["of"] == "goodhart7 on pocket, 3 arms, seed 41, 1 repeat"
    assert found["broken"]["state"].startswith("unreadable")
    assert "no folder runs" in cli("runs", plugins=None, code=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--tasks", "goodhart7", "--model", "no-such-model"],
        ["compress", "--model", "./nowhere", "--compressor", "rtn4", "--out", "x"],
        ["verify", "nowhere"],
        ["inspect", "nowhere"],
        ["rescore", "nowhere"],
        ["compare", "nowhere", "nowhere"],
        ["gate", "nowhere", "a.b > 1"],
        ["list", "colours"],
        ["nosuchverb"],
    ],
)
def test_typing_errors_end_with_2_and_leave_nothing(cli, arguments):
    cli(*arguments, plugins=None, code=2)
    assert [path.name for path in cli.cwd.iterdir() if path.name != "cache"] == []


def test_the_version_and_completion(cli):
    assert cli("--version", plugins=None).stdout == "harness 0.1.0\n"
    words = {"COMP_WORDS": "harness des", "COMP_CWORD": "1", "_HARNESS_COMPLETE": "complete_bash"}
    assert "describe" in complete(cli, words)
    words = {
        "COMP_WORDS": "harness run --compressor none,ultr",
        "COMP_CWORD": "3",
        "_HARNESS_COMPLETE": "complete_bash",
    }
    assert "none,ultra3" in complete(cli, words)


def complete(cli, words: dict[str, str]) -> str:
    """As the shell asks: by the environment, of the command under its own name."""
    import warm

    code = "import sys; sys.argv = ['harness']; from harness.__main__ import main; main()"
    return warm.run(["-c", code], cwd=cli.cwd, env={**cli.env, **words}).stdout
