"""One kind of sandbox against every hostile program, for `harness doctor --deep`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from harness.contract.sandbox import Limits, Sandbox
from harness.sandbox.hostile import EXPECTED, GROUPS, HONEST, INPUTS, PLACES, PRELUDE
from harness.sandbox.oracle import passes

LIMITS = Limits(seconds=0.5, memory_mb=192, processes=12)


def examine(sandbox: Sandbox) -> Iterator[tuple[str, int, list[str]]]:
    """(group, programs, those that got through) for each group: passed, stopped the honest program after them, or left
    something that the next program read."""
    for group, programs in GROUPS.items():
        yield group, len(programs), [name for name, source in programs.items() if _gets_through(sandbox, source)]
    yield "messengers", len(PLACES), [place for place in PLACES if _is_read(sandbox, *PLACES[place])]


def _gets_through(sandbox: Sandbox, source: str) -> bool:
    secret = f"SECRET-{secrets.token_hex(8)}"
    answers = sandbox.call(PRELUDE + source, "solve", INPUTS, LIMITS)
    if passes(answers, EXPECTED) or passes(answers, [secret, *EXPECTED[1:]]):
        return True
    honest = Limits(seconds=10)
    return not passes(sandbox.call(HONEST, "solve", INPUTS, honest), EXPECTED)


def _is_read(sandbox: Sandbox, leave: str, find: str) -> bool:
    before = sandbox.call(find, "find", [[]])
    sandbox.call(leave, "leave", [[]], LIMITS)
    return sandbox.call(find, "find", [[]]) != before
