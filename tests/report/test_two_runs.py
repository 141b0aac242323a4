"""Two run folders beside each other: paired where they asked the same, refused or unpaired where not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.report.results import to_json
from harness.report.two_runs import Side, beside
from harness.report.two_runs_tables import compared
from harness.stats import Interval, independent_difference, wilson
from harness.store.files import read_json, write_json, write_jsonl
from harness.store.run import RunStore

OLD = Path(__file__).parents[1] / "core" / "old_run"


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(load_plugins())


@pytest.fixture
def copy(tmp_path, catalogue):
    """The stored run again, with questions renamed and verdicts turned over."""

    def make(name: str, renamed: int = 0, turned: int = 0) -> Side:
        folder = Path(shutil.copytree(OLD, tmp_path / name))
        for cell in folder.glob("cells/*"):
            prompts = [json.loads(line) for line in (cell / "prompts.jsonl").read_text().splitlines()]
            items = list(dict.fromkeys(row["item"] for row in prompts))
            write_jsonl(
                cell / "prompts.jsonl",
                [{**row, "text": "?"} if row["item"] in items[:renamed] else row for row in prompts],
            )
            (path,) = cell.glob("verdicts-*.jsonl")
            verdicts = [json.loads(line) for line in path.read_text().splitlines()]
            for row in verdicts[:turned]:
                row["verdict"]["truth"] = not row["verdict"]["truth"]
            write_jsonl(path, verdicts)
        return Side.of(RunStore(folder), catalogue)

    return make


def rows(runs) -> list[dict]:
    return [row for table in to_json(compared(runs))["sections"][0]["tables"] for row in table["rows"]]


def test_arms_are_paired_by_item(copy, catalogue):
    runs = beside(copy("a"), copy("b", turned=1), catalogue)
    assert runs.notes == ()
    execution = [row for row in rows(runs) if row["measure"] == "execution"]
    assert len(execution) == 3  # baseline, ultra3, uniform@ultra3
    for row in execution:
        assert row["base"]["n"] == row["other"]["n"] == row["difference"]["items"] == 3
        assert abs(row["difference"]["value"]) == pytest.approx(1 / 3)


def test_items_that_only_one_asks_are_left_out_and_named(copy, catalogue):
    runs = beside(copy("a"), copy("b", renamed=1), catalogue)
    assert runs.notes == ("goodhart7: 2 items ask the same in both, of 3 in A and 3 in B; the others are left out.",)
    assert rows(runs)[0]["base"]["n"] == 2


def test_other_questions_are_refused_unless_unpaired(copy, catalogue):
    a, b = copy("a"), copy("b", renamed=3)
    with pytest.raises(UsageError, match=r"none of the 3 items of A is asked in B .--unpaired"):
        beside(a, b, catalogue)
    runs = beside(a, b, catalogue, paired=False)
    report = compared(runs)
    assert report.notes[0].startswith("Unpaired: independent samples")
    assert rows(runs)[0]["difference"]["interval"]


def test_what_differs_besides_the_arm_is_named(copy, catalogue):
    a, b = copy("a"), copy("b")
    path = b.store.plan_path
    plan = read_json(path)
    for cell in plan["cells"]:
        cell["suite"]["params"]["grader"] = "strict"
        cell["settings"]["temperature"] = 1.0
        cell["seed"] = 7
    plan["cells"] = plan["cells"][:2]
    plan["contrasts"] = plan["contrasts"][:1]
    write_json(path, plan)
    assert Plan.of(b.store).cells[0].seed == 7
    notes = beside(a, Side.of(b.store, catalogue), catalogue).notes
    assert "goodhart7: the seed is 41 in A and 7 in B." in notes
    assert "goodhart7: temperature is 0.7 in A and 1.0 in B." in notes
    assert any(note.startswith("goodhart7: grader is published in A and") for note in notes)
    assert "goodhart7: only in A: uniform@ultra3." in notes


def test_the_interval_of_independent_proportions_is_newcombes():
    """The example of Newcombe 1998, method 10: 56/70 and 48/80."""
    low, high = independent_difference(48 / 80, wilson(48, 80), 56 / 70, wilson(56, 70))
    assert (low, high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert independent_difference(0.0, Interval(0, 0), 1.0, Interval(1, 1)) == (1.0, 1.0)
