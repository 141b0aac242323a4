"""A program as the sandbox loads it: with what makes an honest program's life easy around it."""

from __future__ import annotations

from functools import cache
from inspect import getsource

from harness_plugins.tasks.programs import inside  # for its text, and so that stage keys follow it

ANSWER = "answer"  # the entry of a surrounded program
TIMED_ANSWER = "timed_answer"  # likewise, with the seconds that it took beside the answer


def surrounded(program: str, entry: str, *, unordered: bool = False) -> str:
    """Source whose entries call `entry` of the program, an expression that is evaluated anew for each input."""
    settings = {"PROGRAM": program, "ENTRY": entry, "UNORDERED": unordered}
    return "\n".join([_inside(), *(f"{name} = {value!r}" for name, value in settings.items()), "names()", ""])


@cache
def _inside() -> str:
    return getsource(inside)
