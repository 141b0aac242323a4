"""A suite's check of its graders is run once per code, whichever process runs the cell."""

from __future__ import annotations

import json

import pytest

from harness.contract import Check, SelfCheck, TaskSuite, TaskSuiteSpec
from harness.errors import StageError
from harness.planning.cells import Cell
from harness.registry.component import Component
from harness.running.stages import self_check
from harness.store.run import CellStore


class Counting(TaskSuite):
    checks = 0
    got = "wrong"

    def __init__(self) -> None:
        super().__init__(None)

    def self_check(self):
        self.checks += 1
        return SelfCheck(checks=(Check(name="empty", expected="wrong", got=self.got),), notes=("12 problems read",))


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """checked(suite, …): as if in a new process; returns what is stored with the cell."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def once(suite, source="abc", params=None, needs=()):
        monkeypatch.setattr(self_check, "_SUMMARIES", {})
        component = Component(
            kind="tasks", label="mine", preset="mine", plugin="mine", target="m:M", params=params or {}, source=source
        )
        spec = TaskSuiteSpec(name="mine", summary="", target="m:M", needs=frozenset(needs))
        store = CellStore(tmp_path / "cell")
        self_check.require_self_check(Cell.model_construct(suite=component), suite, spec, store)
        return json.loads((store.folder / "self_check.json").read_text())

    return once


def kept(folder):
    return list((folder / "cache" / "self-checks").glob("*.json"))


def test_the_same_code_is_checked_once_and_reported_the_same(checked):
    suite = Counting()
    first = checked(suite)
    assert first == {"suite": "mine", "checks": 1, "failures": [], "notes": ["12 problems read"], "controls": []}
    assert checked(suite) == first
    assert suite.checks == 1


def test_other_code_parameters_and_files_are_checked_anew(checked, tmp_path):
    suite, data = Counting(), tmp_path / "problems.jsonl"
    data.write_text("one")
    checked(suite)
    checked(suite, source="abd")
    checked(suite, params={"data": str(data)})
    data.write_text("another")
    checked(suite, params={"data": str(data)})
    assert suite.checks == 4
    checked(suite, params={"data": str(data)})
    assert suite.checks == 4


def test_a_failed_check_is_not_kept(checked, tmp_path):
    suite = Counting()
    suite.got = "right"
    for _ in range(2):
        with pytest.raises(StageError, match="fails its own check on 1 of 1 answers"):
            checked(suite)
    assert (suite.checks, kept(tmp_path)) == (2, [])


def test_a_sandbox_is_checked_by_every_process(checked, tmp_path):
    suite = Counting()
    checked(suite, needs=("sandbox",))
    checked(suite, needs=("sandbox",))
    assert (suite.checks, kept(tmp_path)) == (2, [])


def test_a_damaged_result_is_replaced(checked, tmp_path):
    suite = Counting()
    checked(suite)
    [path] = kept(tmp_path)
    whole = path.read_text()
    path.write_text(whole[:10])
    checked(suite)
    assert (suite.checks, path.read_text()) == (2, whole)
