"""The suite as data."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from harness import Params, TaskSuiteSpec


class PerplexityParams(Params):
    """`text` is a UTF-8 file, cut into pieces of at most `characters`, at white space where there is some."""

    text: Path | None = None
    characters: int = Field(default=1000, ge=16)
    items: int = Field(default=64, ge=1)  # pieces at most, spread evenly over the file


SPEC = TaskSuiteSpec(
    name="perplexity",
    summary="loss of a text: perplexity:FILE (bits per byte, nats per token)",
    target="harness_plugins.tasks.perplexity.suite:Perplexity",
    params=PerplexityParams,
)
