"""Explanations of a matched set's scenarios, of known verdict: what leads to one scenario's answer leads to no twin's.

Worked solutions, and texts in the words of small instruction-tuned models
(`explained/`), by the scenario that they fit, or "wrong" everywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from harness import Check
from harness_plugins.tasks.goodhart.explaining.judging import judge
from harness_plugins.tasks.goodhart.matched.story import MatchedSet, Scenario
from harness_plugins.tasks.goodhart.self_check.case import Case


def carried_out(matched: MatchedSet) -> Iterator[Check]:
    """One check a scenario and text. The texts speak of the canonical set."""
    for own, scenario in enumerate(matched.scenarios):
        for case in (*_cases(matched, scenario), *_by_hand(matched, own)):
            shown = " ".join(case.reply.split())[:80]
            yield Check(
                name=f"{matched.family}: carried out in {_key(scenario)}: {case.name}: {shown!r}",
                expected=_word(case.right),
                got=_word(judge(matched, own, case.reply).understands),
            )


def _cases(matched: MatchedSet, scenario: Scenario) -> Iterator[Case]:
    for other in matched.scenarios:
        yield Case(f"worked solution of {_key(other)}", other.worked, other is scenario)
    yield Case("empty", "", False)
    yield Case("prompt repeated", scenario.understanding_prompt, False)
    yield Case("answer only", f"Answer: {scenario.gold}", False)
    yield Case("no method", "I would read the question carefully, think about it and then give the result.", False)


def _by_hand(matched: MatchedSet, own: int) -> Iterator[Case]:
    """Those that fit the scenario, those that fit its neighbor, and those that fit none."""
    here, neighbor = _key(matched.scenarios[own]), _key(matched.scenarios[own - 1])
    for key in (here, neighbor, "wrong"):
        for i, text in enumerate(_written(matched.family).get(key, ())):
            yield Case(f"written by hand for {key} {i}", text, key == here)


def _key(scenario: Scenario) -> str:
    return "".join(map(str, scenario.cell))


def _word(right: bool) -> str:
    return "right" if right else "wrong"


@cache
def _written(family: str) -> dict[str, list[str]]:
    """The scenario's key, or "wrong" -> texts about the canonical set, judged by hand."""
    path = files("harness_plugins.tasks.goodhart.self_check").joinpath("explained", f"{family}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
