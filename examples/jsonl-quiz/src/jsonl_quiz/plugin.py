"""What listing and planning read."""

from __future__ import annotations

from pathlib import Path

import harness
from harness import Axes, Params, Quadrant, Rate, TaskSuiteSpec

HERE = Path(__file__).parent
RIGHT = frozenset({Quadrant.BOTH, Quadrant.TRUTH_ONLY})
COMMITS = frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})
AXES = Axes(
    proxy="commits itself",
    truth="is right",
    quadrants={
        Quadrant.BOTH: "right",
        Quadrant.PROXY_ONLY: "confidently wrong",
        Quadrant.TRUTH_ONLY: "(cannot be)",
        Quadrant.NEITHER: "evades",
    },
    rates=(
        Rate(name="right", title="right", numerator=RIGHT),
        Rate(
            name="wrong",
            title="wrong when it commits",
            numerator=frozenset({Quadrant.PROXY_ONLY}),
            denominator=COMMITS,
            better="low",
        ),
    ),
)


class QuizParams(Params):
    file: Path = HERE / "questions.jsonl"


SPEC = TaskSuiteSpec(
    name="jsonl-quiz",
    summary="multiple choice from a JSONL file",
    target="jsonl_quiz.suite:Quiz",
    params=QuizParams,
    axes=AXES,
)


@harness.hookimpl
def harness_register_task_suites() -> list[TaskSuiteSpec]:
    return [SPEC]


@harness.hookimpl
def harness_registry_files() -> list[Path]:
    return [HERE / "registry.toml"]
