"""A prompt is the same tokens on every day and at every call, or the model is refused."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from transformers.utils import chat_template_utils

from harness.checkpoints.chat_template import CLOCK, freeze_clock, render
from harness.compression.calibration import _tokenizer, encode
from harness.contract import Chat, Prompt
from harness.errors import ModelError
from harness.models.generate import Generator
from harness.models.load import load

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
    prepend(model, MICROSECONDS, inline=inline)
    first, second = Generator(load(model, "cpu")), Generator(load(model, "cpu"))
    assert first.encode(HELLO) == first.encode(HELLO) == second.encode(HELLO)
    moment = CLOCK.strftime("%d %b %Y %H:%M:%S.%f")
    told = first.tokenizer.encode(moment, add_special_tokens=False)
    assert first.tokenizer.decode(first.encode(HELLO)).startswith(moment)
    assert len(first.encode(HELLO)) >= len(plain.encode(HELLO)) + len(told) - 1


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


TURN = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] | trim }}\n{% endfor %}"


@pytest.mark.parametrize(
    "template",
    [
        TURN + "{% if add_generation_prompt %}[reply]{{ eos_token }}{% endif %}",
        TURN + "{%- if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}{{ bos_token }}",
        "{{ messages | tojson }}{{ tools }}{{ documents is none }}" + MICROSECONDS,
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% break %}{% endif %}{% endfor %}",
        "{% set n = namespace(k=0) %}{% for m in messages %}{% set n.k = n.k + 1 %}{{ n.k }}{{ m.content }}\n"
        "{% generation %}{{ dict(a=n.k).a }}{% endgeneration %}\n\n{% endfor %}",
    ],
)
@pytest.mark.parametrize("chat", [Chat(), Chat(system=" Be <brief>.\n", args={"enable_thinking": False})])
def test_planning_renders_what_the_tokenizer_does(template: str, chat: Chat, model: Path) -> None:
    (model / "chat_template.jinja").write_text(template)
    tokenizer = load(model, "cpu").tokenizer
    assert render(template, model, chat.turns("ünï 7 {{ x }}"), chat.args) == chat.apply(tokenizer, "ünï 7 {{ x }}")


def test_a_generator_asks_with_the_template_arguments_and_system_turn_it_is_given(model: Path) -> None:
    loaded = load(model, "cpu")
    template = TURN + "{% if not loud %}quiet{% endif %}" + MICROSECONDS
    asked = Generator(loaded, Chat(template=template, args={"loud": True}, system="Be brief."))
    moment = CLOCK.strftime("%d %b %Y %H:%M:%S.%f")
    assert loaded.tokenizer.decode(asked.encode(HELLO)) == f"[system] Be brief.\n[user] hello\n{moment}"
    (model / "chat_template.jinja").unlink()
    base = load(model, "cpu")
    assert base.tokenizer.decode(Generator(base).encode(HELLO)) == "hello"
    assert base.tokenizer.decode(Generator(base, Chat(template=TURN)).encode(HELLO)) == "[user] hello\n"
