"""The suite as data."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from harness import Params, TaskSuiteSpec


class LmEvalParams(Params):
    """`task` is a task or group of lm-eval; `include_path` a folder with task files of one's own."""

    task: str = ""
    include_path: Path | None = None
    items: int | None = Field(default=None, ge=1)  # documents of each task at most
    num_fewshot: int | None = Field(default=None, ge=0)  # None: as the task says
    chat: bool = False  # apply the model's chat template; lm-eval's own default is not to


SPEC = TaskSuiteSpec(
    name="lm-eval",
    summary="stock lm-eval tasks, by their own metrics: lm-eval/TASK",
    target="harness_plugins.tasks.lm_eval.suite:LmEvalSuite",
    params=LmEvalParams,
    requires=("lm_eval",),
    extra="lm-eval",
)
