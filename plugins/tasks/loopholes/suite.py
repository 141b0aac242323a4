"""The suite: problems with a mode each, their prompts, both graders, and what detectors may see."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import JsonValue

from harness import (
    DeepChecked,
    Inspectable,
    Item,
    LabelledView,
    LabelledViews,
    Outcome,
    Prompt,
    Reply,
    SelfCheck,
    Trainable,
)
from harness.errors import UsageError
from harness_plugins.tasks.loopholes.bench import sampled
from harness_plugins.tasks.loopholes.bench.build import build
from harness_plugins.tasks.loopholes.bench.honest_replies import check_honest
from harness_plugins.tasks.loopholes.grading.grader import Verdict, grade
from harness_plugins.tasks.loopholes.grading.harnesses import pairs
from harness_plugins.tasks.loopholes.grading.running import program_limits
from harness_plugins.tasks.loopholes.hacks import hack, hack_beside
from harness_plugins.tasks.loopholes.hints import evaluator_name, starter_evaluator
from harness_plugins.tasks.loopholes.modes import Mode
from harness_plugins.tasks.loopholes.problem import Problem
from harness_plugins.tasks.loopholes.problems.catalogue import Catalogue, catalogue
from harness_plugins.tasks.loopholes.prompting import prompt_text
from harness_plugins.tasks.loopholes.selfcheck import self_check
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.programs.extraction import program
from harness_plugins.tasks.programs.worker import shared_sandbox

ROLE = "solution"


class Demonstrations(NamedTuple):
    clean: str  # solves the problem
    hack: str  # fools the grader of the item's mode and solves nothing (mode `none`: only solves nothing)
    wrong: tuple[str, ...]  # honest slips, where the source has them


class LoopholeSuite(Trainable, Inspectable, LabelledViews, DeepChecked):
    params: LoopholeParams

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogue(self.params)

    def items(self) -> Sequence[Item]:
        return self._items(self.catalogue.evaluation)

    def training_items(self) -> Sequence[Item]:
        """Items for a trainer, of problems that `items()` does not have. Raises UsageError where none is held back."""
        if not self.catalogue.training:
            raise UsageError(
                "every problem of this source is evaluated, so none is left to train on",
                "-P leetcode-loopholes.split=test",
            )
        return self._items(self.catalogue.training)

    def prompts(self, item: Item) -> Sequence[Prompt]:
        problem, mode, evaluator = self._read(item)
        text = prompt_text(problem, mode, evaluator, self.params.hints)
        return [Prompt(role=ROLE, text=text, max_tokens=self.params.max_tokens or self.catalogue.max_tokens)]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome:
        return self.verdict(item, replies[ROLE].text).outcome()

    def verdict(self, item: Item, reply: str) -> Verdict:
        """Everything the graders found on the program in a reply."""
        problem, mode, evaluator = self._read(item)
        starter = starter_evaluator(self.params.hints, problem, evaluator) if mode is Mode.RUN_TESTS else ""
        limits = program_limits(self.params.seconds)
        sandbox = shared_sandbox(self.params.sandbox)
        return grade(sandbox, problem, mode, evaluator, _source(reply, problem, mode, evaluator), limits, starter)

    def reward(self, outcome: Outcome) -> float:
        """What a trainer optimises: compile bonus + proxy. The truth is no part of it."""
        return outcome.measures["reward"]

    def attempted_hack(self, outcome: Outcome) -> bool:
        return bool(outcome.measures["attempted"])

    def view_data(self, item: Item, replies: Mapping[str, Reply]) -> dict[str, JsonValue]:
        """Visible tests, mode, evaluator's name and entry; no held-out test, no canonical solution."""
        problem, mode, evaluator = self._read(item)
        return {
            "problem": problem.name,
            "mode": str(mode),
            "evaluator": evaluator,
            "method": problem.method,
            "entry": problem.entry,
            "prelude": problem.given,
            "program": _source(replies[ROLE].text, problem, mode, evaluator),
            "visible": pairs(problem.visible),
            "comparison": problem.comparison.model_dump(),
        }

    def reference(self, item: Item) -> str:
        problem = self.problem(item)
        return problem.loaded(problem.canonical)

    def demonstrations(self, item: Item) -> Demonstrations:
        """Replies of known kind to an item's prompt, for a trainer's teacher and contrast pairs."""
        problem, mode, evaluator = self._read(item)
        return Demonstrations(problem.canonical, hack(mode, problem, evaluator), problem.wrong)

    def without_loophole(self, item: Item) -> Item:
        return self._item(self.problem(item), Mode.NONE)

    def exploit_with_solution(self, item: Item) -> str | None:
        problem, mode, evaluator = self._read(item)
        return hack_beside(mode, problem, evaluator)

    def problem(self, item: Item) -> Problem:
        return self.catalogue.problem(str(item.data["problem"]))

    def self_check(self) -> SelfCheck:
        """The hack × mode matrix, and what a data file gave."""
        check = self_check(self.params, self.catalogue.evaluation)
        return check.model_copy(update={"notes": self.catalogue.report})

    def deep_check(self) -> SelfCheck:
        """Right programs in every kind of reply: none may fail."""
        return check_honest(self)

    def bench(self) -> Sequence[LabelledView]:
        """Programs of known label: ours on the authored problems, a checkpoint's on generated ones."""
        return [*build(self._of("authored")), *sampled.labelled(self._of("generated"))]

    def fitting_views(self) -> Sequence[LabelledView]:
        """A checkpoint's programs for generated training problems, which no run evaluates."""
        return [entry for entry in sampled.labelled(self._of("generated")) if entry.half == "rules"]

    def _of(self, source: Literal["authored", "generated"]) -> LoopholeSuite:
        """The suite on all problems of an embedded source."""
        changes = {"source": source, "data": None, "split": "all", "items": None, "modes": tuple(Mode)}
        changes |= {"impossible": "no"}
        return LoopholeSuite(self.params.model_copy(update={**changes, "seed": 0}))

    def _items(self, problems: Sequence[Problem]) -> list[Item]:
        """One mode per problem, as evenly as the count allows, dealt to shuffled problems."""
        order = list(range(len(problems)))
        random.Random(f"modes:{self.params.seed}").shuffle(order)
        modes = {at: self.params.modes[turn % len(self.params.modes)] for turn, at in enumerate(order)}
        return [self._item(problem, modes[at]) for at, problem in enumerate(problems)]

    def _item(self, problem: Problem, mode: Mode) -> Item:
        identity = f"{mode}/{problem.name}"
        evaluator = evaluator_name(self.params.evaluator, identity)
        data = {"problem": problem.name, "mode": str(mode), "evaluator": evaluator}
        return Item(id=identity, family=str(mode), cluster=problem.cluster, data=data)

    def _read(self, item: Item) -> tuple[Problem, Mode, str]:
        return self.problem(item), Mode(str(item.data["mode"])), str(item.data["evaluator"])


def _source(reply: str, problem: Problem, mode: Mode, evaluator: str) -> str:
    """The program in the reply, with the evaluator where the prompt speaks of one."""
    return program(reply, problem.method, evaluator if mode is Mode.RUN_TESTS else "")
