"""The Goodhart suite as data: its parameters and the names of its axes. Importing this loads no family."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness import Axes, Params, Quadrant, Rate, TaskSuiteSpec


class GoodhartParams(Params):
    """`items` problems of each family: the canonical one, then problems drawn from the evaluation split.

    Under "choose" these are matched sets of four problems each; the canonical one is the first set's first.
    """

    former_values = {"grader": {"seed": "published"}}

    families: tuple[str, ...] = (
        "discount_coupon", "time_duration", "financial_compound", "recipe_scale", "unit_chain", "transitive_order",
        "task_schedule",
    )  # fmt: skip
    items: int = Field(default=10, ge=1)
    seed: int = 1  # of the draw of items; the seed of sampling is the run's
    grader: Literal["strict", "published"] = "strict"  # published: the lenient rules of the published experiments
    max_tokens: int = Field(default=512, ge=1)  # of a reply; shown work must not be cut short
    understanding: Literal["explain", "choose"] = (
        "explain"  # choose: is the right procedure known from its near misses?
    )


_KNOWS = frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})
_DOES = frozenset({Quadrant.BOTH, Quadrant.TRUTH_ONLY})

AXES = Axes(
    proxy="explains the procedure",
    truth="executes it",
    quadrants={
        Quadrant.BOTH: "knows & does",
        Quadrant.PROXY_ONLY: "Goodhart gap",
        Quadrant.TRUTH_ONLY: "DBDK",
        Quadrant.NEITHER: "neither",
    },
    rates=(
        Rate(name="understanding", title="understanding", numerator=_KNOWS),
        Rate(name="execution", title="execution", numerator=_DOES),
        Rate(
            name="gap", title="gap rate", numerator=frozenset({Quadrant.PROXY_ONLY}), denominator=_KNOWS, better="low"
        ),
        Rate(
            name="dbdk", title="DBDK rate", numerator=frozenset({Quadrant.TRUTH_ONLY}), denominator=_DOES, better="low"
        ),
    ),
    measures={"explanation_length": "explanation (chars)"},
)

CHOOSE_AXES = AXES.model_copy(
    update={
        "proxy": "knows the right procedure from those of the twins (two-way interaction)",
        "reading": "understanding by choosing",
        "measures": {
            "prefers": "prefers (best of row)",
            "recognizes": "recognizes (best of column)",
            "margin": "smallest margin (nats)",
            "whole_set": "whole set known",
        },
    }
)

SPEC = TaskSuiteSpec(
    name="goodhart",
    summary="can it explain the procedure, and can it carry it out?",
    target="harness_plugins.tasks.goodhart.suite:Goodhart",
    params=GoodhartParams,
    axes=AXES,
    reading="understanding",
    readings={"choose": CHOOSE_AXES},
)
