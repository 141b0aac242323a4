"""The order in which replies of several groups are read."""

from __future__ import annotations

import random

import numpy as np
import pytest

from harness.report.review import balanced, most_telling, points, reading_order, telling

SOLUTIONS = (
    "return sorted(items)[0]",
    "return sum(x for x in items)",
    "total = 0\nfor x in items:\n    total += x\nreturn total",
)
EXPLOIT = "class Always:\n    def __eq__(self, other):\n        return True\nreturn Always()"


def replies(seed: int, count: int, hacks: int) -> list[str]:
    dice = random.Random(seed)
    honest = [f"{dice.choice(SOLUTIONS)}  # {dice.choice('abcdefgh')}" for _ in range(count - hacks)]
    return [*honest, *[f"{EXPLOIT}  # {dice.choice('abcdefgh')}" for _ in range(hacks)]]


def test_what_one_group_does_and_the_others_do_not_is_read_first():
    """Six exploits among 240 replies, all in one group: at random the first would come after some thirty."""
    texts = [text for seed, hacks in ((0, 0), (1, 6), (2, 0)) for text in replies(seed, 80, hacks)]
    groups = [name for name in ("none", "vanilla", "erase") for _ in range(80)]
    (first, weight), *_ = most_telling(texts, groups, 10)
    assert EXPLOIT in texts[first]
    assert groups[first] == "vanilla"
    assert weight > 0.9


def test_groups_that_do_the_same_have_little_to_tell():
    texts = [text for seed in range(2) for text in replies(seed, 200, 20)]
    groups = ["a"] * 200 + ["b"] * 200
    where = points(texts)
    exploits = [EXPLOIT in text for text in texts]
    assert abs(telling(where, groups)[exploits].mean()) < 0.3


def test_a_group_alone_is_unlike_nothing():
    assert most_telling(["a", "b"], ["one", "one"], 5) == []


def test_the_second_is_not_the_first_again():
    places = np.array([[0.0, 0], [0, 0], [0.1, 0], [5, 5]])
    assert reading_order(places, np.array([1.0, 1.0, 0.9, 0.5]), 4) == [0, 3, 2]  # its twin has nothing new
    assert reading_order(places, np.array([-1.0, -1, -1, -1]), 4) == []


def test_densities_are_beside_each_other_by_hand():
    """Two groups of two points, 4 apart, each with spread 1 along both axes: at its own points a group is all there is."""
    places = np.array([[0.0, 0], [2, 2], [40, 0], [42, 2]])
    assert telling(places, ["a", "a", "b", "b"]).tolist() == pytest.approx([1, 1, 1, 1])
    assert telling(np.zeros((4, 2)), ["a", "a", "b", "b"]).tolist() == pytest.approx([0] * 4)


def test_large_groups_do_not_crowd_out_small_ones():
    kept = balanced(["big"] * 1000 + ["small"] * 10, most=40)
    assert (sum(at < 1000 for at in kept), sum(at >= 1000 for at in kept)) == (20, 10)
