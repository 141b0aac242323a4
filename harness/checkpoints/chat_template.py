"""The chat templates of a model folder: which there are, and what one makes of a conversation. Imports no transformers.

Templates that ask for the time are told one fixed moment, so that a prompt is the same tokens on every day: Llama 3.2 and
Granite put today's date into the system turn, and cells and resumed runs would else be asked other prompts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from harness.checkpoints.weight_files import read_json

CLOCK = datetime(2025, 1, 1)
ASKS = "strftime_now"  # the function by which a template of transformers gets the time
DEFAULT = "default"  # the name of the template that is taken unasked
FILE, FOLDER, CONFIG = "chat_template.jinja", "additional_chat_templates", "tokenizer_config.json"


class _Stopped(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Stopped:
        return cls.fromisoformat(CLOCK.isoformat()).replace(tzinfo=tz)


def freeze_clock(tokenizer: Any, template: str | None = None) -> None:
    """If a template asks for the time, stop the clock of all chat templates in this process at CLOCK.

    A function handed to `apply_chat_template` would be turned into text, so the module's own clock is replaced.
    """
    if ASKS in f"{template} {getattr(tokenizer, 'chat_template', None)}":
        from transformers.utils import chat_template_utils

        chat_template_utils.datetime = _Stopped


def templates_of(folder: Path) -> dict[str, str]:
    """The chat templates of a model by name, as transformers finds them; {} for a model that has none."""
    files = {DEFAULT: folder / FILE, **{file.stem: file for file in sorted((folder / FOLDER).glob("*.jinja"))}}
    found = {name: file.read_text(encoding="utf-8", errors="replace") for name, file in files.items() if file.is_file()}
    if found or not (folder / CONFIG).is_file():
        return found
    stated = read_json(folder / CONFIG).get("chat_template")
    if isinstance(stated, list):
        return {str(one["name"]): str(one["template"]) for one in stated if {"name", "template"} <= one.keys()}
    return {DEFAULT: stated} if isinstance(stated, str) and stated else {}


def variables_of(template: str) -> set[str]:
    """The names that a template reads and does not set itself."""
    from jinja2 import meta

    return meta.find_undeclared_variables(_environment().parse(template))


def draws(template: str) -> bool:
    """Whether it picks something at random."""
    from jinja2 import nodes

    return any(found.name == "random" for found in _environment().parse(template).find_all(nodes.Filter))


def render(template: str, folder: Path, turns: Sequence[Mapping[str, str]], args: Mapping[str, Any]) -> str:
    """What transformers' `apply_chat_template` makes of the turns, with the prompt for a reply. Raises what jinja raises."""
    given = {**_special_tokens(folder), **args}
    environment = _environment()
    return environment.from_string(template).render(
        messages=[dict(turn) for turn in turns], tools=None, documents=None, add_generation_prompt=True, **given
    )


def _special_tokens(folder: Path) -> dict[str, str]:
    """ "bos_token" and its like, which templates write."""
    found: dict[str, str] = {}
    for name in ("special_tokens_map.json", CONFIG):
        stated = read_json(folder / name) if (folder / name).is_file() else {}
        for key, token in stated.items():
            text = token.get("content") if isinstance(token, dict) else token
            if key.endswith("_token") and isinstance(text, str):
                found[key] = text
    return found


def _environment() -> Any:
    """jinja as transformers sets it up for chat templates."""
    from jinja2 import TemplateError, ext, nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(ext.Extension):
        """{% generation %} marks what a model wrote: here it marks nothing."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(["name:endgeneration"], drop_needle=True), lineno=line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, ext.loopcontrols]
    )
    made.filters["tojson"] = lambda value, ensure_ascii=False, indent=None, separators=None, sort_keys=False: (
        json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    )
    made.globals["raise_exception"] = refuse
    made.globals[ASKS] = CLOCK.strftime
    return made
