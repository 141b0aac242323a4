"""The base class of every value that the core and its plugins exchange: a frozen pydantic record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, model_validator

AnyRecord = TypeVar("AnyRecord", bound="Record")


class Record(BaseModel):
    """An immutable, JSON-serialisable value; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def checked(kind: type[AnyRecord], value: object, who: str) -> AnyRecord:
    """What a plugin returned, if it is a record of that kind whose fields hold what they may: records can be made
    unvalidated, and what is stored of one has to be read again.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{who} returned {type(value).__name__}, not {kind.__name__}")
    try:
        return kind.model_validate({name: getattr(value, name) for name in kind.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80]
        raise TypeError(f"{who} returned {kind.__name__} with a wrong {where}: {first['msg']}") from None


class Params(Record):
    """Base class of a plugin's parameters; a preset in registry.toml and `-P name.key=value` set its fields.

    List a renamed parameter in `former_names` (former name -> name) and a renamed choice in `former_values` (parameter
    -> former choice -> choice). Stored parameters are then read in either form, and a user who types a former name is
    told the new one.
    """

    model_config = ConfigDict(allow_inf_nan=False)  # no rate, rank or bound is either, and JSON has no word for them

    former_names: ClassVar[dict[str, str]] = {}
    former_values: ClassVar[dict[str, dict[str, str]]] = {}

    @classmethod
    def completed(cls, stored: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Parameters as they were stored, with what is newer than they are: not today's defaults but what was done then."""
        return dict(stored)

    @model_validator(mode="before")
    @classmethod
    def _read_former(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not (cls.former_names or cls.former_values):
            return data
        named = renamed(data, cls.former_names)
        return {name: cls.former_values.get(name, {}).get(str(value), value) for name, value in named.items()}


def renamed(data: Any, names: dict[str, str]) -> Any:
    """A stored record under today's field names."""
    return {names.get(name, name): value for name, value in data.items()} if isinstance(data, dict) else data
