"""JSON values make the round trip unchanged, and the comparison is strict."""

from __future__ import annotations

import copy
import json
import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox import Comparison, Sandbox, Values, passes, same

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


EXACT, FLOAT, UNORDERED, ANY_OF = (
    Comparison.model_validate(word) for word in ("exact", "float", "unordered", "any-of")
)


def normal(value: Any) -> Any:
    """Integral floats as integers; booleans apart from numbers."""
    if isinstance(value, bool):
        return f"bool {value}"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [normal(element) for element in value]
    if isinstance(value, dict):
        return {key: normal(element) for key, element in value.items()}
    return ["text", value] if isinstance(value, str) else value


@given(first=JSON, second=JSON)
def test_exact_is_equality_of_values_not_of_number_types(first: Any, second: Any) -> None:
    assert same(first, json.loads(json.dumps(first)))
    if "bool" not in str(types_of(second)):
        assert same(first, second) == (normal(first) == normal(second))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2.0, 2), (2, 2.0), ([2.0, [1]], [2, [1.0]]), ({"a": 1}, {"a": 1.0}), (-0.0, 0), (1, True), (0, False), (0.0, False),
     (2**53, float(2**53)), ([], []), ({"b": 1, "a": [2]}, {"a": [2], "b": 1})],
)  # fmt: skip
def test_values_that_are_the_same(value: Any, expected: Any) -> None:
    assert same(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1), (False, 0), (True, 1.0), ([True], [1]), (2, True), ("1", True), (0, None), (None, 0), (None, False),
     ("1", 1), (1, "1"), ([1], 1), (1, [1]), ([], {}), ({}, []), (math.nan, math.nan), ([math.nan], [math.nan]),
     ([1], [1, 2]), ([1, 2], [1]), ([2, 1], [1, 2]), ({"a": 1}, {"a": 1, "b": None}), ("é", "e\u0301"), (" a", "a"),
     (2**53 + 1, float(2**53)), (0.1 + 0.2, 0.3), (10**400, 1e300), (math.inf, 1e308), ("", None), ([], None)],
)  # fmt: skip
def test_unlike_values_are_not_the_same(value: Any, expected: Any) -> None:
    assert not same(value, expected)


@pytest.mark.parametrize(
    ("value", "expected", "verdict"),
    [
        (0.1 + 0.2, 0.3, True),
        (1_000_009.0, 1_000_000.0, True),
        (1_000_011.0, 1_000_000.0, False),
        (-0.3000001, -0.3, True),
        (0.000009, 0.0, True),
        (0.000011, 0.0, False),
        (0.3000001, -0.3, False),
        (3.0000001, 3, True),
        (3.1, 3, False),
        (1_000_001, 1_000_000, False),  # whole numbers have nothing to round
        (1_000_001.0, 1_000_000, False),
        ([[1, 0.5000001], []], [[1, 0.5], []], True),
        ({"mean": 0.5000001}, {"mean": 0.5}, True),
        (math.inf, 1.0, False),
        (math.nan, 1.0, False),
        (math.nan, math.nan, False),
        (-math.inf, math.inf, False),
        (10**400, 1.5, False),
        ("0.3", 0.3, False),
        (True, 1.0, False),
        (None, 0.0, False),
    ],
)
def test_floats_are_right_within_both_tolerances(value: Any, expected: Any, verdict: bool) -> None:
    assert same(value, expected, FLOAT) is verdict


def test_a_problem_may_set_its_own_tolerance() -> None:
    wide = Comparison(absolute=0.5)
    assert same(2.4, 2.0, wide)
    assert not same(2.6, 2.0, wide)
    assert not same(1000.6, 1000.0, wide), "no relative tolerance was asked for"


@pytest.mark.parametrize(
    ("value", "expected", "verdict"),
    [
        ([3, 1, 2], [1, 2, 3], True),
        ([1, 1, 2], [1, 2, 2], False),
        ([1, 2], [1, 2, 2], False),
        ([[2, 1], [3]], [[3], [2, 1]], True),
        ([[1, 2], [3]], [[3], [2, 1]], False),  # the outer list only
        ([2.0, 1], [1, 2], True),
        ([True, False], [1, 0], False),
        ([1, 0], [False, True], True),
        ([math.nan], [math.nan], False),
        ([[math.nan]], [[math.nan]], False),
        ("ba", "ab", False),
        ({"a": 1}, {"a": 1}, True),
        (7, 7, True),
    ],
)
def test_order_is_free_where_it_is_declared_so(value: Any, expected: Any, verdict: bool) -> None:
    assert same(value, expected, UNORDERED) is verdict


def test_the_order_of_inner_lists_is_free_two_levels_deep() -> None:
    groups = Comparison(unordered=2)
    assert same([["b", "a"], ["c"]], [["c"], ["a", "b"]], groups)
    assert not same([["b", "a"], ["c"]], [["c", "a"], ["b"]], groups)
    assert not same([[[2, 1]]], [[[1, 2]]], groups)


def test_close_floats_in_any_order_are_paired_one_to_one() -> None:
    either = Comparison.model_validate(["float", "unordered"])
    assert same([0.3, 0.1 + 0.2, 5], [0.1 + 0.2, 5, 0.3], either)
    chain = [step * 0.9e-5 for step in range(50)]  # each is close to its neighbours alone, so pairs have to be moved
    assert same([chain[25], *chain[1:]], chain, either)
    assert not same([chain[25], chain[25], *chain[2:]], [-1.0, *chain[1:]], either)
    assert same([it + 0.8e-5 for it in chain], chain, either)
    assert not same([0.3, 0.3, 0.4], [0.3, 0.4, 0.4], either)


@given(values=st.lists(JSON, max_size=12), seed=st.randoms(use_true_random=False))
def test_a_shuffled_list_is_the_same_unordered(values: list[Any], seed: Any) -> None:
    shuffled = copy.deepcopy(values)
    seed.shuffle(shuffled)
    assert same(shuffled, values, UNORDERED)
    assert not same([*shuffled, None], values, UNORDERED)


def test_long_unordered_lists_are_compared_quickly() -> None:
    expected: list[Any] = list(range(20_000))
    started = time.perf_counter()
    assert same([float(it) for it in reversed(expected)][:1000], expected[-1000:], UNORDERED)
    assert same(expected[::-1], expected, UNORDERED)
    assert not same([*expected[1:], -1], expected, UNORDERED)
    assert time.perf_counter() - started < 20


def test_any_of_several_right_answers() -> None:
    assert same("aba", ["bab", "aba"], ANY_OF)
    assert same([1, 2], [[2, 1], [1, 2]], ANY_OF)
    assert not same([2], [[2, 1], [1, 2]], ANY_OF)
    assert not same("b", [], ANY_OF)
    assert not same("b", "b", ANY_OF), "what is no list of answers answers nothing"
    assert same([2, 1.0000001], [[9], [1, 2]], Comparison.model_validate(["any-of", "unordered", "float"]))


def test_a_bool_is_an_int_where_that_is_declared() -> None:
    assert same([True, 2], [1, 2], Comparison.model_validate("bool-is-int"))


@pytest.mark.parametrize("given_", ["close", ["float", "loose"], {"tolerance": 1}, {"absolute": -1}, 3, None, [1]])
def test_an_unknown_comparison_is_refused(given_: Any) -> None:
    with pytest.raises(ValueError, match=r"comparison|Comparison"):
        Comparison.model_validate(given_)


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
