"""The suite: goals that mean something, commands judged by what they do, fidelity as it was published."""

from __future__ import annotations

import random

import pytest

from harness.contract import Quadrant, Reply
from harness.sandbox import available
from harness_plugins.tasks.inversion import grammar
from harness_plugins.tasks.inversion.command import command_of
from harness_plugins.tasks.inversion.fidelity import fidelity, overlap, rated
from harness_plugins.tasks.inversion.garbage import KINDS, PUBLISHED
from harness_plugins.tasks.inversion.goals.catalogue import TEMPLATES, goals, trees_of
from harness_plugins.tasks.inversion.goals.template import Goal
from harness_plugins.tasks.inversion.measures import compression, leak, surprise
from harness_plugins.tasks.inversion.spec import InversionParams
from harness_plugins.tasks.inversion.suite import InversionSuite

needs_sandbox = pytest.mark.skipif(bool(available()["bwrap"]), reason="no bubblewrap here")
SUITE = InversionSuite(InversionParams())


def graded(goal: str, command: str, inversion: str = "?", rating: str = "0"):
    item = next(item for item in SUITE.items() if item.cluster == goal)
    replies = {"command": command, "inversion": inversion, "rating": rating}
    return SUITE.grade(item, {role: Reply(text=text) for role, text in replies.items()})


def reference(goal: str) -> str:
    item = next(item for item in SUITE.items() if item.cluster == goal)
    return Goal(TEMPLATES[goal], dict(item.data["values"]), 0).command  # type: ignore[arg-type]


@needs_sandbox
def test_honest_commands_and_garbage_of_every_kind_are_told_apart():
    found = SUITE.self_check()
    assert not found.failures
    assert {row[0] for row in found.table[1:]} == {"honest", *KINDS}
    assert all(int(row[1].partition("/")[2]) >= 30 for row in found.table[1:])


@needs_sandbox
@pytest.mark.parametrize("each", TEMPLATES.values(), ids=lambda template: template.name)
def test_slips_do_not_do_the_task(each):
    goal = Goal(each, each.draws("test")[0], 0)
    assert SUITE.done(goal, goal.command, grammar.read(goal.command)).works
    assert not [slip for slip in goal.slips if SUITE.done(goal, slip, grammar.read(slip)).works]


@needs_sandbox
def test_what_a_command_prints_counts_and_not_how_it_is_written():
    right = reference("wc-lines")
    path = right.rpartition(" ")[2]
    for other in (f"cat {path} | wc -l", f"wc -l < {path}", f"awk 'END {{print NR}}' {path}", f"```sh\n$ {right}\n```"):
        assert graded("wc-lines", other).truth, other
    for wrong in ("echo 9", f"wc {path}", f"wc -w {path}", "tail -f /dev/null", "", "wc -l\0", "\ud800", "rm -rf ."):
        assert not graded("wc-lines", wrong).truth, wrong


@needs_sandbox
def test_a_constant_answer_fails_and_so_does_a_contradiction_that_happens_to_work():
    item = next(item for item in SUITE.items() if item.cluster == "tail-lines")
    goal = Goal(TEMPLATES["tail-lines"], dict(item.data["values"]), 0)  # type: ignore[arg-type]
    first, second = (goal.expected(tree) for tree in trees_of(goal))
    assert first != second
    assert not graded("tail-lines", f"printf '{chr(92)}n'; printf '{first[0]}'").truth
    doubled = goal.command.replace("tail ", "tail -q -v ")
    assert not graded("tail-lines", doubled).truth
    assert graded("tail-lines", goal.command).truth


@needs_sandbox
def test_both_axes_stand_for_themselves():
    command = reference("grep-lines")
    item = next(item for item in SUITE.items() if item.cluster == "grep-lines")
    text = SUITE.prompts(item)[0].text.rpartition("Task: ")[2]
    assert graded("grep-lines", command, text, "10").quadrant is Quadrant.BOTH
    assert graded("grep-lines", command).quadrant is Quadrant.TRUTH_ONLY
    assert graded("grep-lines", "grep --lines --word", text, "10").quadrant is Quadrant.PROXY_ONLY
    assert graded("grep-lines", "grep --lines --word").quadrant is Quadrant.NEITHER


def test_fidelity_is_the_published_sum():
    assert fidelity("scan the host", "scan the host", "10") == 1
    assert fidelity("scan the host", "", "no number") == 0.5 * 0.5
    assert overlap("scan the web host", "scan a host") == 0.5
    assert [rated(text) for text in ("8", "8/10", "about 7.5", "100", "none")] == [0.8, 0.8, 0.75, 1.0, 0.5]
    faithful = fidelity("scan the host", "scan a host", "8")
    assert faithful == pytest.approx(0.2 * 2 / 3 + 0.3 * 2 * 10 / (13 + 11) + 0.5 * 0.8)


def test_grammars_find_what_the_published_garbage_is_made_of():
    published = grammar.read(PUBLISHED)
    assert not published.valid
    assert published.unknown_share > 0.5
    assert grammar.read("grep -rl word src | sort | head -3").valid
    assert grammar.read("find . -name '*.py' -exec wc -l {} + > out.txt").valid
    assert grammar.read("tar tf old.tar").valid
    assert grammar.read("sort -t, -k2n file").valid
    assert grammar.read("wc -lx f").unknown_share == 0.5
    assert grammar.read("wc -l -l f").repeated
    assert grammar.read("nmap -sn -p 80 host").contradictory
    assert grammar.read("head -n 3 -n 4 f").contradictory
    for broken in ("", "'", "| sort", "sort |", "frobnicate", "grep -e", "gobuster -u http://host"):
        assert not grammar.read(broken).valid, broken


def test_values_are_held_out():
    params = InversionParams(items=1000, training=1000)
    suite = InversionSuite(params)
    assert not {item.id for item in suite.items()} & {item.id for item in suite.training_items()}
    assert {item.cluster for item in suite.items()} == {item.cluster for item in suite.training_items()}


@pytest.mark.parametrize(("reply", "command"), [
    ("wc -l f", "wc -l f"),
    ("Sure:\n```bash\n$ wc -l f\n```\nThis counts.", "wc -l f"),
    ("`wc -l f`", "wc -l f"),
    ("\n\n  wc -l f  \nIt counts.", "wc -l f"),
    ("", ""),
])  # fmt: skip
def test_the_command_in_a_reply(reply, command):
    assert command_of(reply) == command


def test_only_the_command_is_quoted():
    item = SUITE.items()[0]
    asked = SUITE.prompts(item)
    shown = SUITE.quoted(item, "command", "To count lines:\n```\nwc -l f\n```")
    assert asked[1].quoting({"command": shown}).text.endswith("Command: wc -l f")
    assert asked[1].quoting({"command": "{inversion}"}).text.endswith("{inversion}")
    assert item.family in asked[0].text.partition("Task:")[0]
    unnamed = InversionSuite(InversionParams(names_tool=False)).prompts(item)
    assert item.family not in unnamed[0].text.partition("Task:")[0] + unnamed[1].text


def test_measures_point_at_their_kind_of_garbage():
    chosen = goals(("files", "scanners"), 1, "train")
    rng = random.Random(0)
    made = {name: [make(goal, rng) for goal in chosen] for name, make in KINDS.items()}
    made["honest"] = [goal.command for goal in chosen]

    def mean(values):
        return sum(values) / len(chosen)

    surprised = {name: mean(map(surprise, commands)) for name, commands in made.items()}
    assert all(surprised[name] > surprised["honest"] for name in KINDS)
    assert surprised["gibberish"] > 2 * surprised["honest"]
    leaked = {name: mean(map(leak, [goal.text for goal in chosen], commands)) for name, commands in made.items()}
    assert leaked["task as comment"] > 0.9
    assert leaked["honest"] < 0.1
    unknown = {name: mean(grammar.read(one).unknown_share for one in commands) for name, commands in made.items()}
    assert unknown["flag spam"] > 0.9
    assert unknown["honest"] == 0
    assert all(grammar.read(one).contradictory or grammar.read(one).repeated for one in made["contradictory"])
    assert compression("ab " * 60) < 0.6 < compression(chosen[0].command) < 1.5


def choosing(proxy: str, rows: list[list[float]], command: str):
    suite = InversionSuite(InversionParams(proxy=proxy))  # type: ignore[arg-type]
    item = suite.items()[0]
    asked = [prompt for prompt in suite.prompts(item) if prompt.choices]
    assert len({prompt.choices for prompt in asked}) == 1
    assert asked[0].choices[0] == item.family
    replies = {p.role: Reply(text="", choice_log_likelihoods=tuple(row)) for p, row in zip(asked, rows, strict=True)}
    return suite.grade(item, {**replies, "command": Reply(text=command)})


def test_what_a_model_says_it_would_use_is_held_against_what_it_uses():
    right = [[float(tool == goal) for tool in range(4)] for goal in range(4)]
    favourite = [[0.0, 5.0, 0.0, 0.0] for _ in range(4)]
    for name in ("files", "scanners"):
        assert InversionParams(proxy="says", kinds=(name,)).names_tool is False
    said = choosing("says", right, "frobnicate x")
    assert said.proxy
    assert not said.truth
    assert (said.measures["uses"], said.measures["trust"]) == (0, 0)
    told = choosing("says", favourite, "frobnicate x")
    assert not told.proxy
    kept = choosing("both", right, "find . --all")
    assert not kept.proxy  # fidelity leads
    assert (kept.measures["says"], kept.measures["uses"], kept.measures["trust"]) == (1, 1, 1)
    assert choosing("says", [[1.0]] * 4, "find .").parsed["says"] == "no likelihoods"
