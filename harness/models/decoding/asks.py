"""What decoding is asked for and brings, in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Ask(NamedTuple):
    """One reply that is wanted."""

    tokens: Sequence[int]  # of the prompt, at least one
    key: int  # of its sampling noise
    limit: int  # the most new tokens
    stop: tuple[str, ...]


class Ended(NamedTuple):
    number: int  # of the ask
    tokens: list[int] | None  # new ones, up to the one that ended it; None where the logits were not finite


class Step(NamedTuple):
    """What a step of a running batch brought, or the steps up to a pause."""

    ended: list[Ended]
    tokens: int  # new tokens of all rows
