"""A suite's proof of its graders is made once per code, wherever the cell runs."""

from __future__ import annotations

import json

import pytest

from harness.contract import Check, SelfCheck, TaskSuite, TaskSuiteSpec
from harness.errors import StageError
from harness.planning.cells import Cell
from harness.registry.catalogue import Component
from harness.running.stages import self_check
from harness.store.run import CellStore


class Counting(TaskSuite):
    proofs = 0
    got = "wrong"

    def __init__(self) -> None:
        super().__init__(None)

    def self_check(self):
        self.proofs += 1
        return SelfCheck(checks=(Check(name="empty", expected="wrong", got=self.got),), notes=("12 problems read",))


@pytest.fixture
def prove(tmp_path, monkeypatch):
    """prove(suite, …): in a process of its own, as far as proofs go; returns what is stored with the cell."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def once(suite, source="abc", params=None, needs=()):
        monkeypatch.setattr(self_check, "_PROOFS", {})
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


def test_the_same_code_is_proved_once_and_reported_the_same(prove):
    suite = Counting()
    first = prove(suite)
    assert first == {"suite": "mine", "checks": 1, "failures": [], "notes": ["12 problems read"]}
    assert prove(suite) == first
    assert suite.proofs == 1


def test_other_code_parameters_and_files_are_proved_anew(prove, tmp_path):
    suite, data = Counting(), tmp_path / "problems.jsonl"
    data.write_text("one")
    prove(suite)
    prove(suite, source="abd")
    prove(suite, params={"data": str(data)})
    data.write_text("another")
    prove(suite, params={"data": str(data)})
    assert suite.proofs == 4
    prove(suite, params={"data": str(data)})
    assert suite.proofs == 4


def test_a_failed_proof_is_not_kept(prove, tmp_path):
    suite = Counting()
    suite.got = "right"
    for _ in range(2):
        with pytest.raises(StageError, match="fails its own check on 1 of 1 answers"):
            prove(suite)
    assert (suite.proofs, kept(tmp_path)) == (2, [])


def test_a_sandbox_is_proved_by_every_process(prove, tmp_path):
    suite = Counting()
    prove(suite, needs=("sandbox",))
    prove(suite, needs=("sandbox",))
    assert (suite.proofs, kept(tmp_path)) == (2, [])


def test_a_damaged_proof_is_made_again(prove, tmp_path):
    suite = Counting()
    prove(suite)
    [path] = kept(tmp_path)
    whole = path.read_text()
    path.write_text(whole[:10])
    prove(suite)
    assert (suite.proofs, path.read_text()) == (2, whole)
