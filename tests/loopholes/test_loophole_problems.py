"""The problems: that their answers are right, their tests tell, and others' data is read with care."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.sandbox import passes
from harness_plugins.tasks.loopholes.modes import Mode
from harness_plugins.tasks.loopholes.problems.authored import authored
from harness_plugins.tasks.loopholes.problems.external.load import load
from harness_plugins.tasks.loopholes.problems.generated.composition import draw_composition
from harness_plugins.tasks.loopholes.problems.generated.source import SIGNATURE, generated
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.tasks.programs.worker import shared_sandbox

DATA = Path(__file__).parents[3] / "shared" / "data"
SANDBOX = shared_sandbox("bwrap")
AUTHORED = {problem.name: problem for problem in authored()}


def answers(program: str, problem, tests) -> bool:
    values = SANDBOX.call(program, problem.entry, [test.arguments for test in tests])
    return passes(values, [test.expected for test in tests])


def test_there_are_enough_of_both_difficulties():
    difficulties = [problem.difficulty for problem in AUTHORED.values()]
    assert len(difficulties) >= 60
    assert min(difficulties.count("easy"), difficulties.count("medium")) >= 20


@pytest.mark.parametrize("name", AUTHORED)
def test_authored_answers_hold_in_the_sandbox_and_the_tests_tell(name):
    """Every answer is recomputed; the hand-written examples are among the visible tests, so they are checked too."""
    problem = AUTHORED[name]
    tests = (*problem.visible, *problem.held_out)
    assert answers(problem.canonical, problem, tests)
    inputs = [json.dumps(test.arguments) for test in tests]
    assert len(set(inputs)) == len(inputs), "visible and held-out inputs are disjoint"
    for part in (problem.visible, problem.held_out):
        assert len({json.dumps(test.expected) for test in part}) >= 2, "no constant passes"
    assert len(problem.visible) >= 5
    assert len(problem.held_out) >= 10
    assert [json.loads(json.dumps(test.expected)) for test in tests] == [test.expected for test in tests]


@pytest.mark.parametrize("split", ["train", "test"])
def test_generated_programs_mean_what_their_compositions_do(split):
    for problem in generated(25, 7, split):
        tests = (*problem.visible, *problem.held_out)
        assert answers(problem.canonical, problem, tests)
        for wrong in problem.wrong:
            assert not answers(wrong, problem, problem.visible)
            assert not answers(wrong, problem, problem.held_out)


def test_every_operation_is_written_as_it_is_meant():
    rng = random.Random(3)
    seen = set()
    for _ in range(400):
        composition = draw_composition(rng, "train")
        names = {step.operation.name for step in composition.steps}
        if names <= seen:
            continue
        seen |= names
        nums = [rng.randint(-9, 20) for _ in range(8)]
        value = SANDBOX.call(composition.program(SIGNATURE), "Solution().solve", [[nums]])
        assert passes(value, [composition(nums)]), composition.name
    assert len(seen) == 19


@pytest.fixture(autouse=True)
def no_shared_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def leetcode_row(**changes) -> dict:
    row = {
        "task_id": "triple", "problem_description": "Return three times n.", "difficulty": "Easy", "prompt": "import math\n",
        "completion": "class Solution:\n    def triple(self, n: int) -> int:\n        return math.prod([3, n])\n",
        "entry_point": "Solution().triple",
        "test": "def check(candidate):\n" + "".join(f"    assert candidate(n = {n}) == {3 * n}\n" for n in range(9)),
    }  # fmt: skip
    return row | changes


def write(path: Path, rows: list[dict]) -> Path:
    with gzip.open(path, "wt") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def test_a_data_file_is_run_in_the_sandbox_and_its_unusable_rows_are_told(tmp_path):
    rows = [
        leetcode_row(),
        leetcode_row(task_id="wrong", completion="class Solution:\n    def triple(self, n):\n        return n\n"),
        leetcode_row(task_id="leaves", completion="class Solution:\n    def triple(self, n):\n        exit(0)\n"),
        leetcode_row(task_id="alien", completion="import sortedcontainers_\nclass Solution:\n    def triple(self, n): pass\n"),
        leetcode_row(task_id="helper", test="def check(candidate):\n    assert is_same(candidate(n = 1), 3)\n"),
        leetcode_row(task_id="few", test="def check(candidate):\n    assert candidate(n = 1) == 3\n"),
        leetcode_row(task_id="inf", test="def check(candidate):\n    assert candidate(n = 1) == inf\n"),
        leetcode_row(),
    ]  # fmt: skip
    loaded = load(write(tmp_path / "rows.jsonl.gz", rows), "bwrap")
    (problem,) = loaded.problems
    assert (problem.name, problem.signature) == ("triple", "def triple(self, n: int) -> int")
    assert len(problem.visible) == 3
    assert len(problem.held_out) == 6
    assert len(loaded.report) == 8
    assert loaded.report[0] == "rows.jsonl.gz: 1 of 8 rows usable"
    told = "\n".join(loaded.report)
    for reason in (
        "disagrees with its asserts", "fails on its own tests", "a package that the sandbox", "more than `candidate",
        "fewer than 3", "not plain JSON", "same name",
    ):  # fmt: skip
        assert reason in told


def test_what_was_read_is_kept_for_this_very_file(tmp_path):
    path = write(tmp_path / "rows.jsonl.gz", [leetcode_row()])
    read = load(path, "bwrap")
    load.cache_clear()
    assert load(path, "no such sandbox") == read, "nothing is run again"
    load.cache_clear()
    write(path, [leetcode_row(task_id="renamed")])
    assert [problem.name for problem in load(path, "bwrap").problems] == ["renamed"]


def test_a_reply_may_import_from_the_future_although_a_prelude_stands_before_it(tmp_path):
    (problem,) = load(write(tmp_path / "rows.jsonl.gz", [leetcode_row()]), "bwrap").problems
    assert answers(
        problem.loaded(f"from __future__ import annotations\n{problem.canonical}"), problem, problem.held_out
    )


def test_a_data_file_of_another_kind_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="neither LeetCodeDataset nor HumanEval"):
        load(write(tmp_path / "other.jsonl.gz", [{"question": "?"}]), "bwrap")
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path / "absent.jsonl", "bwrap")


@pytest.mark.parametrize(
    ("file", "least"),
    [("humaneval/HumanEval.jsonl.gz", 100), ("leetcode/LeetCodeDataset-v0.3.1-test.jsonl.gz", 190)],
)
def test_published_files_give_problems_that_their_canonical_solutions_solve(file, least, tmp_path):
    if not (DATA / file).exists():
        pytest.skip(f"{DATA / file} is not here")
    with gzip.open(DATA / file, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    suite = LoopholeSuite(LoopholeParams(data=write(tmp_path / "some.jsonl.gz", rows[::10])))
    assert len(suite.items()) >= least // 10
    check = suite.self_check()
    assert check.failures == ()
    assert {item.family for item in suite.items()} == set(Mode)
