"""From a suite's parameters to its problems: those to evaluate on, and those left to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from harness_plugins.tasks.loopholes.problem import Problem
from harness_plugins.tasks.loopholes.problems.authored import authored
from harness_plugins.tasks.loopholes.problems.external.load import Loaded, load
from harness_plugins.tasks.loopholes.problems.generated.source import generated
from harness_plugins.tasks.loopholes.problems.impossible import impossible
from harness_plugins.tasks.loopholes.spec import LoopholeParams

_GENERATED_ITEMS = 12  # per mode
_TRAINING_ITEMS = 512
_SHORT_REPLY = 160
_LONG_REPLY = 1024


@dataclass(frozen=True)
class Catalogue:
    """`evaluation` and `training` share no problem. `report` says what a data file gave and what it did not."""

    evaluation: Sequence[Problem]
    draw_training: Callable[[], Sequence[Problem]]
    max_tokens: int
    report: tuple[str, ...] = ()

    @cached_property
    def training(self) -> Sequence[Problem]:
        return self.draw_training()

    def problem(self, name: str) -> Problem:
        return self._evaluation.get(name) or self._training[name]

    @cached_property
    def _evaluation(self) -> dict[str, Problem]:
        return {problem.name: problem for problem in self.evaluation}

    @cached_property
    def _training(self) -> dict[str, Problem]:
        return {problem.name: problem for problem in self.training}


def catalogue(params: LoopholeParams) -> Catalogue:
    def made(problems: Sequence[Problem]) -> Sequence[Problem]:
        return [impossible(problem, params.impossible) for problem in problems]

    found = _possible(params)
    return replace(found, evaluation=made(found.evaluation), draw_training=lambda: made(found.training))


def _possible(params: LoopholeParams) -> Catalogue:
    wanted = params.items * len(params.modes) if params.items else None
    if params.source == "generated" and params.data is None:
        evaluation = generated(wanted or _GENERATED_ITEMS * len(params.modes), params.seed, "test")
        return Catalogue(evaluation, lambda: generated(_TRAINING_ITEMS, params.seed, "train"), _SHORT_REPLY)
    loaded = load(params.data, params.sandbox) if params.data else Loaded(authored(), ())
    test = [problem for problem in loaded.problems if params.split == "all" or _is_test(problem)]
    training = [problem for problem in loaded.problems if params.split == "test" and not _is_test(problem)]
    return Catalogue(test[:wanted], lambda: training, _LONG_REPLY, loaded.report)


def _is_test(problem: Problem) -> bool:
    """Half of the problems, by a hash of the name."""
    return sha256(problem.name.encode()).digest()[0] % 2 == 0
