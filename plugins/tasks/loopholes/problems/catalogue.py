"""From a suite's parameters to its problems: those to evaluate on, and those left to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from harness_plugins.tasks.loopholes.problem import Problem
from harness_plugins.tasks.loopholes.problems.generated.source import generated
from harness_plugins.tasks.loopholes.spec import LoopholeParams

_GENERATED_ITEMS = 84
_TRAINING_ITEMS = 512
_SHORT_REPLY = 160
_LONG_REPLY = 1024


@dataclass(frozen=True)
class Catalogue:
    """`evaluation` and `training` share no problem. `report` says what a data file gave and what it did not."""

    evaluation: Sequence[Problem]
    training: Sequence[Problem]
    max_tokens: int
    report: tuple[str, ...] = ()

    @cached_property
    def problems(self) -> dict[str, Problem]:
        return {problem.name: problem for problem in (*self.evaluation, *self.training)}


def catalogue(params: LoopholeParams) -> Catalogue:
    if params.source == "generated" and params.data is None:
        evaluation = generated(params.items or _GENERATED_ITEMS, params.seed, "test")
        return Catalogue(evaluation, generated(_TRAINING_ITEMS, params.seed, "train"), _SHORT_REPLY)
    problems, report = _written(params)
    test = [problem for problem in problems if params.split == "all" or _is_test(problem)]
    kept = {problem.name for problem in test}
    training = [problem for problem in problems if problem.name not in kept]
    return Catalogue(test[: params.items], training, _LONG_REPLY, report)


def _written(params: LoopholeParams) -> tuple[Sequence[Problem], tuple[str, ...]]:
    from harness_plugins.tasks.loopholes.problems.authored import authored

    if params.data is None:
        return authored(), ()
    from harness_plugins.tasks.loopholes.problems.external.load import load

    loaded = load(params.data, params.sandbox)
    return loaded.problems, loaded.report


def _is_test(problem: Problem) -> bool:
    """Half of the problems, by a hash of the name."""
    return sha256(problem.name.encode()).digest()[0] % 2 == 0
