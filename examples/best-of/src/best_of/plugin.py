"""What listing and planning read."""

from __future__ import annotations

from pydantic import Field

import harness
from harness import Params, TrainerSpec


class BestOfParams(Params):
    steps: int = Field(default=20, ge=1)
    questions: int = Field(default=4, ge=1)  # a step
    replies: int = Field(default=8, ge=2)  # to each question
    temperature: float = Field(default=1.0, gt=0)
    lr: float = Field(default=1e-3, gt=0)


SPEC = TrainerSpec(
    name="best-of",
    summary="gradient steps on those of its own replies that the suite rewards above their question's mean",
    target="best_of.trainer:BestOf",
    params=BestOfParams,
)


@harness.hookimpl
def harness_register_trainers() -> list[TrainerSpec]:
    return [SPEC]
