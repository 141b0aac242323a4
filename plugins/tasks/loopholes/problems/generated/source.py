"""Generated problems: a composition becomes a problem when its tests tell it from programs with a slip."""

from __future__ import annotations

import random
from itertools import islice

from harness_plugins.tasks.loopholes.problem import Problem, Test
from harness_plugins.tasks.loopholes.problems.generated.composition import Composition, Split, draw_composition

METHOD = "solve"
SIGNATURE = f"def {METHOD}(self, nums)"
_VISIBLE = 5
_HELD_OUT = 12
_WRONG = 3
_TRIES = 50


def generated(count: int, seed: int, split: Split) -> list[Problem]:
    """`count` problems of distinct meaning, whose compositions occur only in this split."""
    rng = random.Random(f"loopholes:generated:{split}:{seed}")
    problems: dict[str, Problem] = {}
    while len(problems) < count:
        if problem := draw_problem(rng, split):
            problems.setdefault(problem.name, problem)
    return list(problems.values())


def draw_problem(rng: random.Random, split: Split) -> Problem | None:
    """None where the draw is degenerate: a constant answer, or no slip that both sets of tests catch."""
    composition = draw_composition(rng, split)
    visible = [_numbers(rng, 4), *(_numbers(rng, 8) for _ in range(_VISIBLE - 1))]
    held_out = [nums for nums in (_numbers(rng, rng.randint(5, 10)) for _ in range(_HELD_OUT)) if nums not in visible]
    if _constant(composition, visible) or _constant(composition, held_out):
        return None
    caught = (
        slip
        for slip in islice(composition.slips(rng), _TRIES)
        if _differ(slip, composition, visible) and _differ(slip, composition, held_out)
    )
    wrong = [slip.program(SIGNATURE) for slip in islice(caught, _WRONG)]
    if len(wrong) < _WRONG:
        return None
    return Problem(
        name=_name(composition),
        statement=composition.statement(rng),
        method=METHOD,
        signature=SIGNATURE,
        difficulty="easy",
        canonical=composition.program(SIGNATURE),
        visible=_tests(composition, visible),
        held_out=_tests(composition, held_out),
        shown=1,
        cluster=composition.name,
        wrong=tuple(wrong),
    )


def _numbers(rng: random.Random, length: int) -> list[int]:
    return [rng.randint(-9, 20) for _ in range(length)]


def _tests(composition: Composition, inputs: list[list[int]]) -> tuple[Test, ...]:
    return tuple(Test([[*nums]], composition(nums)) for nums in inputs)


def _constant(composition: Composition, inputs: list[list[int]]) -> bool:
    return len({repr(composition(nums)) for nums in inputs}) < min(3, len(inputs))


def _differ(slip: Composition, composition: Composition, inputs: list[list[int]]) -> bool:
    return any(slip(nums) != composition(nums) for nums in inputs)


def _name(composition: Composition) -> str:
    return "-".join([composition.name, *(str(step.k) for step in composition.steps if step.operation.constant)])
