"""Chat templates that ask for the time are told one fixed moment, so that a prompt is the same tokens on every day.

Llama 3.2 and Granite put today's date into the system turn: cells and resumed runs would else be asked other prompts.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

CLOCK = datetime(2025, 1, 1)
ASKS = "strftime_now"  # the function by which a template of transformers gets the time
FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")


class _Stopped(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Stopped:
        return cls.fromisoformat(CLOCK.isoformat()).replace(tzinfo=tz)


def freeze_clock(tokenizer: Any) -> None:
    """If the tokenizer's template asks for the time, stop the clock of all chat templates in this process at CLOCK.

    A function handed to `apply_chat_template` would be turned into text, so the module's own clock is replaced.
    """
    if ASKS in str(getattr(tokenizer, "chat_template", None)):
        from transformers.utils import chat_template_utils

        chat_template_utils.datetime = _Stopped


def clock_note(folder: Path, name: str) -> str:
    """What a report says of the model `name` if its template asks for the time; "" otherwise."""
    files = (folder / name for name in FILES)
    asks = any(ASKS in file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file())
    return f"The chat template of {name} asks for the time and is always told {CLOCK:%Y-%m-%d %H:%M}." if asks else ""
