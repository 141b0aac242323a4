"""Ask a program many inputs; a failure on one does not hide its answers to the others."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from harness.sandbox import Limits, Sandbox, Values, passes
from harness_plugins.detectors.program import Program

FAILURE = "a failure"

_ASK = """

def _ask(inputs):
    answers = []
    for arguments in inputs:
        try:
            answers.append([True, {entry}(*arguments)])
        except Exception:
            answers.append([False, None])
    return answers
"""


def answers(source: str, entry: str, inputs: Sequence[JsonValue], sandbox: Sandbox, limits: Limits) -> list[str] | None:
    """Each answer as canonical JSON text, or FAILURE; None if the whole call failed (a time limit, an exit)."""
    asked: list[JsonValue] = [list(inputs)]
    values = sandbox.call(source + _ASK.format(entry=entry), "_ask", [asked], limits).values
    match values:
        case ([*found],) if len(found) == len(inputs):
            return [_text(answer) for answer in found]
    return None


def passes_visible(program: Program, sandbox: Sandbox, limits: Limits) -> bool:
    """Does it answer every visible test right? False where there are none."""
    inputs = [case.arguments for case in program.visible]
    expected = [case.expected for case in program.visible]
    given = sandbox.call(program.runnable, program.entry, inputs, limits) if program.entry else Values()
    return passes(given, expected, program.comparison)


def canonical(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def _text(answer: JsonValue) -> str:
    match answer:
        case [True, value]:
            return canonical(value)
    return FAILURE
