"""What installed plugins can do wrong, seen through the real command: entry points of distributions on the path."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from harness import Compressor, Decision, Flag, View
from harness.contract import LinearShape, ModelShape
from harness.contract.compression import check_plan
from harness.errors import HarnessError, PluginError, StageError
from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.running.stages.detect import check_flags

GOOD = """
import harness
from harness import CompressorSpec
@harness.hookimpl
def harness_register_compressors():
    return [CompressorSpec(name="mine", summary="s", target="t:T")]
"""
RAISES = "raise RuntimeError('no such luck')"
VERBS = """
import harness
@harness.hookimpl
def harness_register_commands(cli):
    raise KeyError('no verbs today')
"""
LISTENS_BADLY = """
import harness
@harness.hookimpl
def harness_cell_start(run, cell): raise OSError('the tracker is down')
@harness.hookimpl
def harness_sample(item): raise ValueError('cannot log a sample')
@harness.hookimpl
def harness_report_sections(run): return 'a section'
"""
LISTENS_WELL = """
import harness
@harness.hookimpl
def harness_report_sections(run): return [('From the other one', 'All is well.')]
"""


@pytest.fixture
def installed(cli, monkeypatch):
    """Put a distribution with one plugin on the path: installed("name", "1.2", source, point="name")."""
    site = cli.cwd / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)

    def add(name: str, version: str, source: str, point: str | None = None) -> None:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(source)
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[harness]\n{point or name} = {module}\n")

    return add


def test_distribution_version_hooks_state_and_cause(cli, installed):
    installed("good-dist", "1.2", GOOD)
    installed("bad-dist", "3.4", RAISES)
    done = cli("plugins", plugins=None)
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert re.search(r"good-dist +good-dist +1\.2 +ok +register_compressors", rows["good-dist"])
    assert re.search(r"bad-dist +bad-dist +3\.4 +broken +RuntimeError: no such luck", rows["bad-dist"])
    assert done.stderr == "plugin bad-dist is broken: RuntimeError: no such luck\n"
    assert "Traceback" in cli("plugins", "--trace", plugins=None).stdout


def test_two_plugins_that_register_one_name_are_shown_and_refused(cli, installed):
    installed("first-dist", "1.0", GOOD)
    installed("second-dist", "2.0", GOOD)
    assert "conflict: 'mine' is registered by first-dist and second-dist" in cli("plugins", plugins=None).stdout
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json", plugins=None).stdout)}
    assert (rows["first-dist"]["conflicts"], rows["builtin"]["conflicts"]) == (["mine"], [])
    done = cli("plan", "--tasks", "goodhart7", "--compressor", "mine", plugins=None, code=2)
    assert "first-dist (first-dist) and second-dist (second-dist)" in done.stderr
    chosen = cli("-p", "no:second-dist", "plugins", plugins=None).stdout
    assert "conflict" not in chosen


def test_two_plugins_of_one_name_are_both_named(cli, installed):
    installed("first-dist", "1.0", GOOD, point="same")
    installed("second-dist", "2.0", GOOD, point="same")
    rows = [row for row in json.loads(cli("plugins", "--json", plugins=None).stdout) if row["name"] == "same"]
    assert [(row["distribution"], row["state"]) for row in rows] == [("first-dist", "ok"), ("second-dist", "broken")]
    assert "first-dist has a plugin named 'same' as well" in rows[1]["error"]


def test_selecting_what_a_broken_plugin_may_own_names_its_cause(cli, installed):
    installed("bad-dist", "3.4", RAISES)
    done = cli("plan", "--tasks", "goodhart7", "--compressor", "theirs", plugins=None, code=2)
    assert "plugin bad-dist is broken: RuntimeError: no such luck" in done.stderr
    assert "2 cells" in cli("plan", "--tasks", "goodhart7", "--compressor", "rtn4", plugins=None).stdout


def test_a_plugin_whose_verbs_raise_leaves_the_other_verbs(cli, installed):
    installed("verbs-dist", "1.0", VERBS)
    done = cli("--help", plugins=None)
    assert "a plugin's verbs are missing: verbs-dist.harness_register_commands: KeyError" in done.stderr
    assert "doctor" in done.stdout


def test_lifecycle_hooks_that_fail_are_counted_in_the_report_wherever_they_ran(cli, installed):
    installed("bad-listener", "1.0", LISTENS_BADLY)
    installed("good-listener", "1.0", LISTENS_WELL)
    done = cli.run("--limit", "2")
    notes = " ".join(done.stdout.split())
    assert "failed 1 times: bad-listener.harness_cell_start: OSError: the tracker is down" in notes
    assert "failed 4 times: bad-listener.harness_sample: ValueError: cannot log a sample" in notes
    assert "failed 1 times: bad-listener.harness_report_sections: returned 'a section', not (title, Markdown)" in notes
    assert "All is well." in notes
    assert Path(cli.cwd / "r" / "report" / "report.md").is_file()


def test_a_plugin_without_its_library_is_listed_with_what_installs_it(cli, installed):
    needy = GOOD.replace('target="t:T"', 'target="t:T", requires=("no_such_lib.part",), extra="mine"')
    installed("needy-dist", "1.0", needy)
    listed = " ".join(cli("list", "compressors", plugins=None).stdout.split())
    assert "unavailable: no_such_lib.part not installed; pip install 'goodhart-harness[mine]'" in listed
    done = cli("plan", "--tasks", "goodhart7", "--compressor", "mine", plugins=None, code=2)
    assert done.stderr.startswith("error: mine needs no_such_lib.part, which is not installed (pip install")


def test_parameters_that_pydantic_cannot_build_are_the_plugins_fault(cli, installed):
    """Pydantic builds a class at its first use: `plugins` has all of them built, other verbs the one that is selected."""
    code = "import ast\nclass Odd(harness.Params):\n    tree: ast.AST\n"
    installed("odd-dist", "1.0", GOOD.replace("@harness", code + "@harness", 1).replace('"t:T"', '"t:T", params=Odd'))
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json", plugins=None).stdout)}
    assert rows["odd-dist"]["state"] == "broken"
    assert rows["odd-dist"]["error"].startswith("parameters of mine: PydanticSchemaGenerationError: Unable to generate")
    assert rows["builtin"]["state"] == "ok"
    assert "Traceback" in cli("plugins", "--trace", plugins=None).stdout
    done = cli("plan", "--tasks", "goodhart7", "--compressor", "mine", plugins=None, code=2)
    assert done.stderr.startswith("error: mine: the parameters of mine are broken: Unable to generate")
    assert len(done.stderr.splitlines()) == 1


def test_a_compressor_with_the_former_method_is_told_the_new_name():
    with pytest.raises(PluginError, match=r"Old\.compress_group is now called compress_linears"):

        class Old(Compressor):
            def compress_group(self, weights, hessian, decisions):
                return {}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (None, "plan is NoneType, not a Decision for each Linear"),
        ([], "plan is list"),
        ({"a": 4}, "plan is dict, not a Decision"),
        ({}, "disagree about a"),
        ({"a": Decision(), "b": Decision()}, "disagree about b"),
    ],
)
def test_what_is_no_plan_is_the_compressors_fault(plan, message):
    linear = LinearShape(name="a", kind="a", block=0, rows=2, columns=2, input_group="a")
    shape = ModelShape(blocks=1, hidden=2, linears=(linear,))
    assert check_plan({"a": Decision()}, shape) == {"a": Decision()}
    with pytest.raises(PluginError, match=message):
        check_plan(plan, shape)


@pytest.mark.parametrize(
    "flag", [None, {"score": 1.0}, Flag.model_construct(score="x"), Flag.model_construct(flagged=7)]
)
def test_what_is_no_flag_is_the_detectors_fault(flag):
    view = View(item="i", family="f", prompts={}, replies={})
    with pytest.raises(StageError, match=r"detector mine returned .* \(a bug in the detector\)"):
        check_flags("mine", [view], [flag])


SUITE = """
import itertools, sys
import harness
from harness import Axes, Item, Outcome, Params, Prompt, Quadrant, TaskSuite, TaskSuiteSpec
class Odd(TaskSuite):
    def __init__(self, params):
        {made}
    def items(self):
        {items}
        return [Item(id="a", family="f", cluster="c", data={{}})]
    def prompts(self, item):
        {prompts}
        return [Prompt(role="r", text="hi", max_tokens=2)]
    def grade(self, item, replies): return Outcome(proxy=True, truth=True)
    def self_check(self): return None
AXES = Axes(proxy="p", truth="t", quadrants={{one: str(one) for one in Quadrant}}, rates=())
@harness.hookimpl
def harness_register_task_suites():
    return [TaskSuiteSpec(name="odd", summary="s", target="odd:Odd", axes=AXES)]
"""
ENDS = ["sys.exit(0)", "raise GeneratorExit", "raise ValueError('x\\x1b[31m\\n' * 9)", "1 / 0", "return None"]
ONE = 'Item(id="a", family="f", cluster="c", data={})'


@pytest.mark.parametrize(
    "bug",
    [
        *({"made": end} for end in ENDS[:-1]),
        *({"items": end} for end in ENDS),
        *({"prompts": end} for end in ENDS),
        {"items": f"return itertools.repeat({ONE})"},
        {"items": f"return [{ONE}] * 2"},
        {"prompts": 'return [Prompt(role="r", text="hi", max_tokens=2)] * 2'},
        {"prompts": "return []"},
    ],
)
def test_a_suite_that_cannot_be_planned_is_one_line(tmp_path, tiny_qwen2, bug) -> None:
    (tmp_path / "odd.py").write_text(SUITE.format(**{"made": "pass", "items": "pass", "prompts": "pass", **bug}))
    catalogue = load_catalogue(load_plugins([tmp_path]))
    with pytest.raises(HarnessError) as refused:
        make_plan(experiment_from({"tasks": ["odd"], "model": [str(tiny_qwen2)]}), catalogue)
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)
