"""`harness doctor` shows every suite's checks, runs the longer ones when asked, and fails when one of them does."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from harness.cli.doctor import _suites
from harness.registry.name_sources import NameSources

PLUGIN = """
import harness
from harness import Axes, Check, DeepChecked, Quadrant, SelfCheck, TaskSuiteSpec

AXES = Axes(proxy="p", truth="t", quadrants={quadrant: str(quadrant) for quadrant in Quadrant}, rates=())

class Checked(DeepChecked):
    def self_check(self):
        return SelfCheck(checks=(Check(name="one", expected="a", got="a"),))
    def deep_check(self):
        return SelfCheck(checks=(Check(name="two", expected="a", got="b"),), table=(("kind", "refused"), ("odd", "1")))

class Raising(Checked):
    def self_check(self):
        raise ZeroDivisionError("by design")

@harness.hookimpl
def harness_register_task_suites():
    return [
        TaskSuiteSpec(name=name, summary="", target=f"checked:{name}", axes=AXES) for name in ("Checked", "Raising")
    ]
"""


@pytest.fixture
def options(tmp_path: Path) -> NameSources:
    (tmp_path / "checked.py").write_text(PLUGIN)
    return NameSources(plugins_dirs=(tmp_path,), disabled=("builtin",))


def test_deep_checks_are_rows_and_a_check_that_raises_is_one_too(options):
    rows = {row["what"]: row for row in _suites(options, lambda what: None, deep=True)}
    assert {what: row["ok"] for what, row in rows.items()} == {
        "suite Checked": True,
        "suite Checked, deep check": False,
        "suite Raising": False,
        "suite Raising, deep check": False,
    }
    deep = rows["suite Checked, deep check"]
    assert deep["finding"] == "0 of 1 known answers graded right; two: expected a, got b"
    assert deep["table"] == (("kind", "refused"), ("odd", "1"))
    assert rows["suite Raising"]["finding"] == "its check raised ZeroDivisionError: by design"


def test_without_deep_no_suite_is_checked_for_long(options):
    assert [row["what"] for row in _suites(options, lambda what: None, deep=False)] == [
        "suite Checked",
        "suite Raising",
    ]


def _busy() -> None:
    while True:
        pass


@pytest.mark.slow
@pytest.mark.parametrize("busy", [0, 2])
def test_no_hostile_program_gets_through_and_no_honest_one_fails(cli, busy):
    others = [multiprocessing.Process(target=_busy, daemon=True) for _ in range(busy)]
    for other in others:
        other.start()
    try:
        done = cli("doctor", "--deep", plugins=None)
    finally:
        for other in others:
            other.kill()
    text = " ".join(done.stdout.split())
    for sandbox in ("bwrap", "strict"):
        assert f"hostile programs under {sandbox} 0 of " in text
    assert "suite leetcode-loopholes, deep check 308 of 308" in text
