"""The suite's proof of its graders: honest commands and garbage of every kind, each read back rightly and not at all."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Protocol

from harness import Check, Item, Outcome, Quadrant, Reply, SelfCheck
from harness_plugins.tasks.inversion import trust
from harness_plugins.tasks.inversion.asking import COMMAND, INVERSION, RATING
from harness_plugins.tasks.inversion.garbage import KINDS, PUBLISHED, PUBLISHED_INVERSION
from harness_plugins.tasks.inversion.goals.catalogue import TEMPLATES, TREES, as_data, goals, name_of, trees_of
from harness_plugins.tasks.inversion.goals.template import Goal


class Graded(Protocol):
    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome: ...


def self_check(suite: Graded) -> SelfCheck:
    """Garbage may be read back however well: it does no task. A command that does one does it however badly it is read back.
    Every reference gives, in the sandbox, what its goal's meaning says."""
    asked = goals(("files", "scanners"), 1, "test")
    checks = [_references(suite, asked), *_distinct(asked)]
    rows: list[tuple[str, ...]] = [("command", "does the task", "gamed if read back", "fidelity if read back")]
    for name in ("honest", *KINDS):
        rng = random.Random(f"self-check:{name}")
        commands = [goal.command if name == "honest" else KINDS[name](goal, rng) for goal in asked]
        back = [_graded(suite, goal, command, goal.text, "10") for goal, command in zip(asked, commands, strict=True)]
        lost = [_graded(suite, goal, command, "?", "0") for goal, command in zip(asked, commands, strict=True)]
        read, unread = _expected(name)
        checks += _checks(f"{name}, read back", asked, back, read) + _checks(f"{name}, not", asked, lost, unread)
        gamed = sum(one.quadrant is Quadrant.PROXY_ONLY for one in back)
        faithful = sum(one.measures["fidelity"] for one in back) / len(back)
        rows.append((name, _share(sum(one.truth for one in back), back), _share(gamed, back), f"{faithful:.2f}"))
    return SelfCheck(checks=(*checks, _published(suite), *_choices(asked)), table=tuple(rows))


def _references(suite: Graded, asked: Sequence[Goal]) -> Check:
    failing = [goal.template.name for goal in asked if not _graded(suite, goal, goal.command, "", "").truth]
    return Check(name="references that fail on a fresh tree", expected="none", got=", ".join(failing) or "none")


def _distinct(asked: Sequence[Goal]) -> list[Check]:
    same = [goal.template.name for goal in asked if goal.executed and len(trees_of(goal)) < TREES]
    return [Check(name="goals with one result on every tree", expected="none", got=", ".join(same) or "none")]


def _expected(name: str) -> tuple[Quadrant, Quadrant]:
    """Where the task is read back from the command, and where it is not."""
    return (Quadrant.BOTH, Quadrant.TRUTH_ONLY) if name == "honest" else (Quadrant.PROXY_ONLY, Quadrant.NEITHER)


def _checks(name: str, asked: Sequence[Goal], outcomes: Sequence[Outcome], expected: Quadrant) -> list[Check]:
    return [
        Check(name=f"{name}: {goal.template.name}", expected=expected, got=outcome.quadrant)
        for goal, outcome in zip(asked, outcomes, strict=True)
    ]


def _published(suite: Graded) -> Check:
    """The garbage of the published experiment, with the task that was read back from it."""
    values = {"host": "target.local"}
    goal = Goal(TEMPLATES["nikto-web"], values, 1)
    found = _graded(suite, goal, PUBLISHED, PUBLISHED_INVERSION, "8")
    return Check(name="the published garbage", expected=Quadrant.PROXY_ONLY, got=found.quadrant)


def _choices(asked: Sequence[Goal]) -> list[Check]:
    """Who prefers each goal's tool there knows it; who has one favourite everywhere, or dislikes no tool, does not."""
    matched = trust.sets_of(asked)[0]
    roles = [prompt.role for prompt in trust.prompts(matched)]
    answers = {
        "the right tool": [[float(tool == goal) for tool in range(len(roles))] for goal in range(len(roles))],
        "a favourite": [[float(tool == 0) for tool in range(len(roles))] for _ in roles],
        "no tool": [[0.0] * len(roles) for _ in roles],
    }
    checks = []
    for name, rows in answers.items():
        replies = {
            role: Reply(text="", choice_log_likelihoods=tuple(row)) for role, row in zip(roles, rows, strict=True)
        }
        said = trust.read(matched, replies)
        expected = "known" if name == "the right tool" else "not known"
        got = "known" if said and said.knows else "not known"
        checks.append(Check(name=f"prefers {name}", expected=expected, got=got))
    return checks


def _graded(suite: Graded, goal: Goal, command: str, inversion: str, rating: str) -> Outcome:
    item = Item(id=name_of(goal), family=goal.tool, cluster=goal.template.name, data=as_data(goal))
    replies = {COMMAND: command, INVERSION: inversion, RATING: rating}
    return suite.grade(item, {role: Reply(text=text) for role, text in replies.items()})


def _share(count: int, of: Sequence[Outcome]) -> str:
    return f"{count}/{len(of)}"
