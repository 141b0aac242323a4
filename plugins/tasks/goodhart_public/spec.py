"""The suite as data."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from harness import Axes, Params, Quadrant, Rate, TaskSuiteSpec

REQUIRED = ("question", "answer", "procedure")
OPTIONAL = ("wrong", "family", "cluster")

_KNOWS = frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})
_DOES = frozenset({Quadrant.BOTH, Quadrant.TRUTH_ONLY})


class GoodhartPublicParams(Params):
    """`columns` says which columns of `data` (CSV, JSON lines, JSON, Parquet) hold `question`, `answer` and `procedure`, the
    right way in words; and, where they exist, `wrong` (a list of wrong ways), `family` and `cluster`.

    Without `wrong`, the right ways of other rows of the family stand in.
    """

    data: Path | None = None
    columns: dict[str, str] = {}
    items: int | None = Field(default=None, ge=1)  # the first ones; None: all
    max_tokens: int = Field(default=512, ge=1)  # of the worked answer

    @field_validator("columns")
    @classmethod
    def _known_fields(cls, columns: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(columns.keys() - {*REQUIRED, *OPTIONAL}):
            raise ValueError(f"there is no field {unknown[0]!r}; fields: {', '.join((*REQUIRED, *OPTIONAL))}")
        return columns


SPEC = TaskSuiteSpec(
    name="goodhart-public",
    summary="questions from a file: does it tell the right procedure from wrong ones, and carry it out?",
    target="harness_plugins.tasks.goodhart_public.suite:GoodhartPublic",
    params=GoodhartPublicParams,
    axes=Axes(
        proxy="prefers the right procedure",
        truth="executes it",
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
                name="gap", title="gap rate", short="gap", numerator=frozenset({Quadrant.PROXY_ONLY}), denominator=_KNOWS,
                better="low",
            ),
            Rate(
                name="dbdk", title="DBDK rate", short="DBDK", numerator=frozenset({Quadrant.TRUTH_ONLY}), denominator=_DOES,
                better="low",
            ),
        ),
        measures={"margin": "margin over the best wrong one (nats)"},
    ),
)  # fmt: skip
