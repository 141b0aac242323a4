"""The Goodhart suite: each problem is asked in several ways, in contexts of their own, and graded on both axes.

Understanding is the proxy, execution the truth. Each is read in the ways that its parameter names (`readings/`); the first
of them is the verdict, the others are stored beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property

from pydantic import JsonValue

from harness import Axes, Item, Outcome, Prompt, Reply, SelfCheck, TaskSuite
from harness.errors import UsageError
from harness_plugins.tasks.goodhart.families import FAMILIES, draw_items
from harness_plugins.tasks.goodhart.grading.verdicts import Problem
from harness_plugins.tasks.goodhart.matched import draw
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings.catalogue import READINGS
from harness_plugins.tasks.goodhart.self_check import self_check
from harness_plugins.tasks.goodhart.spec import SPEC, GoodhartParams


class Goodhart(TaskSuite):
    """`items` problems, or matched sets of them, for each of `families`; a family's first is its canonical problem."""

    params: GoodhartParams

    def __init__(self, params: GoodhartParams) -> None:
        super().__init__(params)
        if not params.families:
            raise UsageError("no Goodhart families chosen", f"choose from {', '.join(FAMILIES)}")
        for name in params.families:
            if name not in FAMILIES:
                near = get_close_matches(name, FAMILIES, n=3, cutoff=0.5) or FAMILIES
                raise UsageError(f"no Goodhart family is called {name!r}", f"did you mean {', '.join(near)}?")

        if params.grader == "rubric" and params.understanding != "explain":
            raise UsageError(
                f"the rubric reads explanations, not understanding={params.understanding}",
                "leave one of the two out: the rubric alone reads explanations",
            )

    @cached_property
    def axes(self) -> Axes:
        axes = SPEC.axes_under(self.params.model_dump(mode="json"))
        assert axes is not None
        return axes

    def items(self) -> Sequence[Item]:
        params = self.params
        names = tuple(dict.fromkeys(params.families))
        if params.matched:
            sets = [draw.draw_sets_of(STORIES[name], params.items, "eval", params.seed) for name in names]
            return [item for of_family in sets for item in draw.items(of_family)]
        problems = [
            (index, Problem(name, each))
            for name in names
            for index, each in enumerate(draw_items(FAMILIES[name], params.items, "eval", params.seed))
        ]
        return [
            Item(
                id=f"{problem.name}/{index:03d}",
                family=problem.name,
                cluster=problem.draw.template,
                data=problem.as_data(),
            )
            for index, problem in problems
        ]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        problem = self._problem(item)
        return [prompt for way in self.axes.readings for prompt in READINGS[way.name].prompts(problem, self.params)]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome:
        """A reply cut by the token limit is graded as it stands, and named in `parsed`."""
        problem = self._problem(item)
        found = {way.name: READINGS[way.name].verdict(problem, replies, self.params) for way in self.axes.readings}
        proxy, truth = (way.name for way in self.axes.leading())
        parsed: dict[str, JsonValue] = {"grader": self.params.grader, "gold": problem.gold}
        parsed |= found[truth].parsed | found[proxy].parsed
        parsed |= {name: verdict.parsed for name, verdict in found.items() if name not in (proxy, truth)}
        if cut := [role for role, reply in replies.items() if reply.truncated]:
            parsed["truncated"] = list(cut)
        measures = {key: value for verdict in found.values() for key, value in verdict.measures.items()}
        verdicts = {name: float(verdict.holds) for name, verdict in found.items() if name in self.axes.measures}
        return Outcome(proxy=found[proxy].holds, truth=found[truth].holds, measures=measures | verdicts, parsed=parsed)

    def self_check(self) -> SelfCheck:
        return self_check(self.params)

    def _problem(self, item: Item) -> Twin | Problem:
        return Twin.of(item) if self.params.matched else Problem.of(item)
