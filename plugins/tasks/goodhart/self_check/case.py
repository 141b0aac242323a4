"""One reply of known verdict."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    name: str
    reply: str
    right: bool
