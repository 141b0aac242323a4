"""How a row's answers are compared: as it declares, else as its statement and its answers suggest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue, ValidationError

from harness.sandbox import Comparison
from harness_plugins.tasks.loopholes.problem import Test
from harness_plugins.tasks.loopholes.problems.external.rows import Unusable

# "Return the pairs in any order.", "You may return the answer in any order", "All pairs, in any order."; but not
# "Concatenate the parts in any order to form …".
_ANY_ORDER = re.compile(
    r"\b(?:return|answer|output|list|find|give)\b[^.!?\n]*\bin\s+any\s+order\b|[,(]\s*in\s+any\s+order\b\s*(?:[).,;!?]|$)",
    re.IGNORECASE | re.MULTILINE,
)


def comparison_of(described: dict[str, Any], statement: str, tests: Sequence[Test]) -> Comparison:
    """Of the field `comparison` where the row has it. Else floats are compared within 1e-5, and a list is unordered where
    the statement asks for one in any order. Raises Unusable where the field says nothing known."""
    if described.get("comparison") is not None:
        try:
            return Comparison.model_validate(described["comparison"])
        except ValidationError as error:
            raise Unusable("it declares an unknown comparison") from error
    words = []
    if any(_holds_float(test.expected) for test in tests):
        words.append("float")
    if _ANY_ORDER.search(statement) and all(isinstance(test.expected, list) for test in tests):
        words.append("unordered")
    return Comparison.model_validate(words)


def _holds_float(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_float, value.values()))
    return isinstance(value, float) or (isinstance(value, list) and any(map(_holds_float, value)))
