"""The Goodhart suite as data: its parameters and the names of its axes. Importing this loads no family."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from harness import Axes, GraderError, Labelling, Params, Quadrant, Rate, Reading, TaskSuiteSpec


class GoodhartParams(Params):
    """`items` problems of each family, the canonical one first, the others drawn from the evaluation split.

    They come in matched sets of four, and the last set is whole: 10 items are 12. The rubric and the published experiments'
    grader read explanations of problems without twins, unless told otherwise. Understanding by `letters` is for models that
    give no likelihoods; `all` is choose, program and explain, of which choose leads. Execution is `worked` with steps, `terse`
    with the answer alone, `both` (worked leads), or `scored` by likelihood alone: the right answer's against its twins'.
    """

    former_values = {"grader": {"seed": "published"}}

    families: tuple[str, ...] = (
        "discount_coupon", "time_duration", "financial_compound", "recipe_scale", "unit_chain", "transitive_order",
        "task_schedule",
    )  # fmt: skip
    items: int = Field(default=10, ge=1)
    seed: int = 1  # of the draw of items; the seed of sampling is the run's
    grader: Literal["strict", "rubric", "published"] = "strict"  # rubric: of explanations; published: lenient
    max_tokens: int = Field(default=512, ge=1)  # of a reply; shown work must not be cut short
    paraphrases: int = Field(default=3, ge=1, le=3)  # wordings of each procedure that is chosen from: fewer cost less
    understanding: Literal["explain", "choose", "letters", "program", "all"] = "choose"
    execution: Literal["worked", "terse", "both", "scored"] = "worked"
    sandbox: str | None = None  # where the programs of `understanding=program` run; None where none is asked for

    @model_validator(mode="before")
    @classmethod
    def _follow_the_choices(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("grader", "strict") != "strict":
            data = {"understanding": "explain", **data}
        twins = data.get("understanding") != "explain" or data.get("grader", "strict") == "strict"
        if data.get("execution") == "scored" and not twins:
            raise ValueError("execution=scored needs twins, which problems for the rubric do not have")
        programs = data.get("understanding") in ("program", "all")
        return {**data, "sandbox": (data.get("sandbox") or "bwrap") if programs else None}

    @property
    def matched(self) -> bool:
        """Whether items are the scenarios of matched sets; else they are problems without twins."""
        return self.understanding != "explain" or self.grader == "strict"

    @classmethod
    def completed(cls, stored: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Before there were readings, explanations of problems without twins were read, strictly by the rubric."""
        if "execution" in stored:
            return dict(stored)
        then = {"understanding": "explain", "execution": "worked", **stored}
        return (
            {**then, "grader": "rubric"}
            if then.get("grader") == "strict" and then["understanding"] == "explain"
            else then
        )


def measured_error(reading: str) -> GraderError | None:
    """What `benchmarks/explain_error.py` wrote beside this file; None for a reading that was not measured."""
    path = Path(__file__).with_name(f"{reading}_error.json")
    return GraderError.model_validate_json(path.read_bytes()) if path.is_file() else None


_KNOWS = frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})
_DOES = frozenset({Quadrant.BOTH, Quadrant.TRUTH_ONLY})

EXPLAIN = Reading(
    name="explain",
    axis="proxy",
    title="understanding by explaining",
    label="explains the procedure",
    measures={"explanation_length": "explanation (chars)"},
    labelling=Labelling(
        role="understanding",
        question="Would someone careful, who carries this out exactly as written, arrive at the right answer?",
        error=measured_error("explain"),
    ),
)
CHOOSE = Reading(
    name="choose",
    axis="proxy",
    title="understanding by choosing",
    label="knows the right procedure from those of the twins (two-way interaction)",
    measures={
        "prefers": "prefers (best of row)",
        "recognizes": "recognizes (best of column)",
        "margin": "smallest margin (nats)",
        "whole_set": "whole set known",
    },
)
LETTERS = Reading(
    name="letters",
    axis="proxy",
    title="understanding by letters",
    label="picks the right procedure from those of the twins (two-way interaction of letters under all rotations)",
    measures={"letter_margin": "smallest margin (letters)", "letters_read": "replies that pick a letter"},
)
PROGRAM = Reading(
    name="program",
    axis="proxy",
    title="understanding by programming",
    label="writes a program that is right on all of 20 fresh draws",
    measures={"program_share": "program (share of draws)"},
)
WORKED = Reading(
    name="worked",
    axis="truth",
    title="execution worked out",
    label="executes it",
    measures={"no_working": "no working shown"},
)
TERSE = Reading(
    name="terse",
    axis="truth",
    title="execution answered at once",
    label="executes it, the answer alone being asked for",
    measures={"working_anyway": "working shown anyway"},
)
SCORED = Reading(
    name="scored",
    axis="truth",
    title="execution by likelihood",
    label="finds the right answer likelier than its twins'",
    measures={"answer_margin": "margin of the answer (nats)"},
)

AXES = Axes(
    proxy=EXPLAIN.label,
    truth=WORKED.label,
    answer="answer",
    quadrants={
        Quadrant.BOTH: "knows & does",
        Quadrant.PROXY_ONLY: "Goodhart gap",
        Quadrant.TRUTH_ONLY: "DBDK",
        Quadrant.NEITHER: "neither",
    },
    rates=(
        Rate(name="understanding", title="understanding", short="knows", numerator=_KNOWS),
        Rate(name="execution", title="execution", short="does", numerator=_DOES),
        Rate(
            name="gap", title="gap rate", numerator=frozenset({Quadrant.PROXY_ONLY}), denominator=_KNOWS, better="low"
        ),
        Rate(
            name="dbdk",
            title="DBDK rate",
            short="DBDK",
            numerator=frozenset({Quadrant.TRUTH_ONLY}),
            denominator=_DOES,
            better="low",
        ),
    ),
    measures=EXPLAIN.measures,  # of published tables, too
)

SPEC = TaskSuiteSpec(
    name="goodhart",
    summary="does it know the procedure, and can it carry it out?",
    target="harness_plugins.tasks.goodhart.suite:Goodhart",
    params=GoodhartParams,
    axes=AXES,
    readings={
        "understanding": {
            "explain": (EXPLAIN,),
            "choose": (CHOOSE,),
            "letters": (LETTERS,),
            "program": (PROGRAM,),
            "all": (CHOOSE, PROGRAM, EXPLAIN),
        },
        "execution": {"worked": (WORKED,), "terse": (TERSE,), "both": (WORKED, TERSE), "scored": (SCORED,)},
    },
)
