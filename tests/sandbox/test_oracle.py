"""JSON values make the round trip unchanged, and the comparison is strict."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox import Sandbox, Values, passes, same

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def types_of(value: Any) -> Any:
    if isinstance(value, list):
        return [types_of(element) for element in value]
    if isinstance(value, dict):
        return {key: types_of(element) for key, element in value.items()}
    return type(value)


@given(values=st.lists(JSON, min_size=1, max_size=8))
@QUICK
def test_values_make_the_round_trip_with_their_types(bwrap: Sandbox, values: list[Any]) -> None:
    answers = bwrap.call("def solve(x):\n    return x", "solve", [[value] for value in values])
    assert answers == Values(values=tuple(values))
    assert types_of(list(answers.values)) == types_of(values)
    assert passes(answers, copy.deepcopy(values))


@given(source=st.text(st.characters(), max_size=80))
@QUICK
def test_any_text_as_a_program_gets_a_verdict(bwrap: Sandbox, source: str) -> None:
    answers = bwrap.call(source, "solve", [[1]])
    assert answers.values == ()
    assert answers.error


@given(first=JSON, second=JSON)
def test_same_is_equality_of_canonical_json(first: Any, second: Any) -> None:
    def canonical(value: Any) -> str:
        return json.dumps(value, sort_keys=True).replace("-0.0", "0.0")

    assert same(first, json.loads(json.dumps(first)))
    assert same(first, second) == (canonical(first) == canonical(second))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1), (1, True), (1, 1.0), (0, False), (0, None), ("1", 1), ([1], (1,)), ([], {}), ({"a": 1}, {"a": 1.0}),
     (math.nan, math.nan), ([math.nan], [math.nan]), ([1], [1, 2]), ({"a": 1}, {"a": 1, "b": None}), ("é", "e\u0301")],
)  # fmt: skip
def test_unlike_values_are_not_the_same(value: Any, expected: Any) -> None:
    assert not same(value, expected)


def test_the_same_nan_object_is_not_itself() -> None:
    values = [math.nan]
    assert not same(values, values)


@pytest.mark.parametrize(
    ("answers", "expected", "verdict"),
    [
        (Values(values=(1, 2)), [1, 2], True),
        (Values(values=(1,)), [1, 2], False),
        (Values(values=(1, 2, 3)), [1, 2], False),
        (Values(values=(2, 1)), [1, 2], False),
        (Values(values=(1, 2), error="late"), [1, 2], False),
        (Values(values=(1, 2), timed_out=True), [1, 2], False),
        (Values(), [], False),
    ],
)
def test_passes_counts_in_the_parent(answers: Values, expected: list[Any], verdict: bool) -> None:
    assert passes(answers, expected) is verdict
