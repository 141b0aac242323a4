"""Whatever a cell samples, as an object that lm-eval's own loop can ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.backends.model import BackendModel
    from harness.models.generate import Generator


def as_lm(asked: Generator | BackendModel, batch_size: int) -> tuple[Any, bool]:
    """(lm-eval's LM, whether it takes nothing but chat messages): the backend's own, or one around the loaded model."""
    from harness.backends.model import BackendModel

    if isinstance(asked, BackendModel):
        return asked.lm, asked.facts.chat
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=asked.model, tokenizer=asked.tokenizer, batch_size=batch_size), False
