"""What every value between the core and its plugins is: a frozen pydantic record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """An immutable, JSON-serialisable value; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Params(Record):
    """Base class of a plugin's parameters; a preset in registry.toml and `-P name.key=value` set its fields."""
