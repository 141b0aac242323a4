"""The Goodhart suite: each problem is asked twice, in contexts of their own, and graded on both axes.

Understanding ("how would you go about it?") is the proxy, execution ("work it out") the truth. Understanding is explained in
free words, or read from the procedure that the model finds likelier (`choosing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from harness import Item, Outcome, Prompt, Reply, SelfCheck, TaskSuite
from harness.errors import UsageError
from harness_plugins.tasks.goodhart import choosing
from harness_plugins.tasks.goodhart.families import FAMILIES, draw_items
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, judge
from harness_plugins.tasks.goodhart.self_check import self_check
from harness_plugins.tasks.goodhart.spec import GoodhartParams


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

    @property
    def chooses(self) -> bool:
        return self.params.understanding == "choose"

    def items(self) -> Sequence[Item]:
        if self.chooses:
            return choosing.items(self.params)
        return [
            Item(
                id=f"{name}/{index:03d}",
                family=name,
                cluster=draw.template,
                data=Problem(name, draw).as_data(),
            )
            for name in dict.fromkeys(self.params.families)
            for index, draw in enumerate(draw_items(FAMILIES[name], self.params.items, "eval", self.params.seed))
        ]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        if self.chooses:
            return choosing.prompts(item, self.params)
        problem = Problem.of(item)
        return [
            Prompt(role="understanding", text=problem.understanding_prompt, max_tokens=self.params.max_tokens),
            Prompt(role="execution", text=problem.execution_prompt, max_tokens=self.params.max_tokens),
        ]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome:
        """A reply cut by the token limit is graded as it stands, and named in `parsed`."""
        if self.chooses:
            return choosing.grade(item, replies, self.params)
        problem = Problem.of(item)
        explanation, answer = replies["understanding"], replies["execution"]
        verdict = judge(problem, explanation.text, answer.text, self.params.grader)
        cut = [role for role in ("understanding", "execution") if replies[role].truncated]
        return Outcome(
            proxy=verdict.understands,
            truth=verdict.executes,
            measures={"explanation_length": float(len(explanation.text))},
            parsed={
                "grader": self.params.grader,
                "gold": problem.gold,
                **verdict.parsed,
                **({"truncated": cut} if cut else {}),
            },
        )

    def self_check(self) -> SelfCheck:
        return self_check(self.params)
