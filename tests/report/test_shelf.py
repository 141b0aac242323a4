"""A shelf gives back what it was given, whatever it has put out of memory."""

from __future__ import annotations

import random

from harness.contract import Outcome, Scores
from harness.report.data import Row
from harness.report.shelf import Alike, Mapped, Shelf


def rows(cell: int, count: int) -> list[Row]:
    return [
        Row(f"item{n}", "f", "c", verdict=Outcome(proxy=bool(n % 2), truth=bool(cell % 2), parsed={"answer": n}))
        for n in range(count)
    ]


def test_every_sequence_comes_back_in_any_order_and_few_are_held():
    shelf = Shelf[Row](most=25)
    given = {cell: rows(cell, 1 + cell % 20) for cell in range(60)}
    kept = {cell: shelf.put(found) for cell, found in given.items()}
    rng = random.Random(0)
    for cell in rng.choices(range(60), k=500):
        assert list(kept[cell]) == given[cell]
        assert (len(kept[cell]), kept[cell][-1]) == (len(given[cell]), given[cell][-1])
        assert sum(map(len, shelf._held.values())) <= 25
    assert kept[19][2:4] == tuple(given[19][2:4])


def test_one_that_is_larger_than_the_shelf_is_held_alone():
    shelf = Shelf[int](most=3)
    large, small = shelf.put(range(10)), shelf.put([1])
    assert (list(small), list(large), list(small)) == ([1], list(range(10)), [1])


def test_equal_verdicts_are_one_object_and_few_are_known():
    alike = Alike()
    first = Outcome(proxy=True, truth=False, parsed={"answer": 1})
    assert alike.one(first) is first
    assert alike.one(first.model_copy()) is first
    for other in (Outcome(proxy=True, truth=False, parsed={"answer": True}), Scores(values={"answer": 1})):
        assert alike.one(other) is other
    for n in range(25_000):
        alike.one(Scores(values={"nats": n / 7}))
    assert len(alike._known) <= 10_000


def test_a_mapped_sequence_is_changed_when_it_is_read():
    doubled = Mapped(Shelf[int]().put([1, 2, 3]), lambda value: 2 * value)
    assert (list(doubled), len(doubled), doubled[1]) == ([2, 4, 6], 3, 4)
