"""A prompt is the same tokens on every day and at every call, or the model is refused."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from transformers.utils import chat_template_utils

from harness.checkpoints.chat_template import CLOCK, freeze_clock
from harness.compression.calibration import _tokenizer, encode
from harness.contract import Prompt
from harness.errors import ModelError
from harness.models.generate import Generator
from harness.models.load import load
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.registry.sources import locate_model

HELLO = Prompt(role="r", text="hello", max_tokens=4)
MICROSECONDS = "{{ strftime_now('%d %b %Y %H:%M:%S.%f') }}"


@pytest.fixture
def model(tiny_qwen2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_qwen2, tmp_path / "model"))


def prepend(folder: Path, text: str, *, inline: bool = False) -> None:
    """Put text before the chat template, which lies in a file of its own or, `inline`, in the tokenizer's."""
    template = text + (folder / "chat_template.jinja").read_text()
    if inline:
        (folder / "chat_template.jinja").unlink()
        stated = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps({**stated, "chat_template": template}))
    else:
        (folder / "chat_template.jinja").write_text(template)


@pytest.mark.parametrize("inline", [False, True])
def test_a_template_with_a_clock_is_told_one_moment(inline: bool, model: Path) -> None:
    plain = Generator(load(model, "cpu"))
    assert locate_model(str(model), load_catalogue(load_plugins())).note == ""
    prepend(model, MICROSECONDS, inline=inline)
    first, second = Generator(load(model, "cpu")), Generator(load(model, "cpu"))
    assert first.encode(HELLO) == first.encode(HELLO) == second.encode(HELLO)
    moment = CLOCK.strftime("%d %b %Y %H:%M:%S.%f")
    told = first.tokenizer.encode(moment, add_special_tokens=False)
    assert first.tokenizer.decode(first.encode(HELLO)).startswith(moment)
    assert len(first.encode(HELLO)) >= len(plain.encode(HELLO)) + len(told) - 1
    note = locate_model(str(model), load_catalogue(load_plugins())).note
    assert note == f"The chat template of {model} asks for the time and is always told 2025-01-01 00:00."


def test_calibration_conversations_are_told_the_same_moment(model: Path) -> None:
    prepend(model, MICROSECONDS)
    turns = [{"role": "user", "content": "hello"}]
    assert encode(_tokenizer(model), turns) == encode(_tokenizer(model), turns)


def test_a_template_that_draws_at_random_is_refused(model: Path) -> None:
    prepend(model, "{{ ['Hello.', 'Good day.'] | random }}")
    with pytest.raises(ModelError, match="renders one conversation in several ways") as caught:
        load(model, "cpu")
    assert "\n" not in str(caught.value)


def test_a_template_without_a_clock_stops_none(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template_utils, "datetime", datetime)
    freeze_clock(load(model, "cpu").tokenizer)
    freeze_clock(None)
    assert chat_template_utils.datetime is datetime
