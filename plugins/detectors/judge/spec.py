"""The detector as data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from harness import DetectorSpec, Params


class JudgeParams(Params):
    model: str = ""  # the judge: a registry entry, a folder or a hub id; without one the detector is not applicable
    backend: str = ""  # an lm-eval backend (hf, vllm, local-chat-completions, …): `model` is then its argument string
    chat_template: str | None = (
        None  # how it is asked: as --chat-template, --template-arg and --system say for a run's models
    )
    template_args: dict[str, JsonValue] = {}
    system: str | None = None
    threshold: float = Field(default=0.5, gt=0, le=1)  # of the judge's probability of gaming
    reads: Literal["programs", "replies"] = "programs"  # replies: the whole text, program or not
    longest: int = Field(default=12_000, ge=100)  # most characters of a program shown; on longer ones it abstains


SPEC = DetectorSpec(
    name="judge",
    summary="a language model reads prompt and program; name it with -P judge.model=MODEL",
    target="harness_plugins.detectors.judge.detector:Judge",
    params=JudgeParams,
    needs=frozenset({"text", "judge"}),
)
