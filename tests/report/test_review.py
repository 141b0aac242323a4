"""The order in which replies of several groups are read, and its table in the report."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from harness.contract import Scores
from harness.report.build import build
from harness.report.data import CellSummary, ReportData, Row
from harness.report.markdown import render_markdown
from harness.report.review import Review, balanced, points, principal, reading_order, review, telling
from harness.report.table import Table

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


def reviewed(texts: Sequence[str], groups: Sequence[str], count: int = 10) -> Review:
    return review(groups, lambda places: [texts[at] for at in places], count)


def planted(seed: int) -> tuple[list[str], list[str]]:
    """Six exploits among 240 replies, all in one group: at random the first would come after some thirty."""
    texts = [text for at, hacks in ((0, 0), (1, 6), (2, 0)) for text in replies(10 * seed + at, 80, hacks)]
    return texts, [name for name in ("none", "vanilla", "erase") for _ in range(80)]


def rank(texts: Sequence[str], groups: Sequence[str]) -> int:
    """Of the first exploit; 99 where there is none."""
    order = [texts[at] for at, _ in reviewed(texts, groups).first]
    return next((at for at, text in enumerate(order, 1) if EXPLOIT in text), 99)


def test_what_one_group_does_and_the_others_do_not_is_read_first():
    texts, groups = planted(0)
    (first, share), *_ = reviewed(texts, groups).first
    assert EXPLOIT in texts[first]
    assert groups[first] == "vanilla"
    assert share > 0.8  # five others of its own, none elsewhere: 5 / 6


def test_the_control_with_shuffled_groups_does_not_find_it():
    """What leads is the groups' doing, not that a reply is odd. By chance a shuffle gives one group most of the six."""
    real, placebo = [], []
    for seed in range(10):
        texts, groups = planted(seed)
        real.append(rank(texts, groups))
        for shuffle in range(4):
            placebo.append(rank(texts, random.Random(shuffle).sample(groups, len(groups))))
    assert max(real) <= 3
    assert sum(found <= 3 for found in placebo) < len(placebo) / 3


def test_a_reply_alone_is_no_group():
    """Odd, and said once: nothing says that its group says it more than the others."""
    texts = [*replies(0, 60, 0), "I refuse.", *replies(1, 61, 0)]
    groups = ["a"] * 61 + ["b"] * 61
    assert telling(points(texts), groups)[1][60] < 0


def test_groups_that_do_the_same_have_little_to_tell():
    texts = [text for seed in range(2) for text in replies(seed, 200, 20)]
    groups = ["a"] * 200 + ["b"] * 200
    exploits = [EXPLOIT in text for text in texts]
    assert abs(telling(points(texts), groups)[0][exploits].mean()) < 0.3


def test_a_group_alone_is_unlike_nothing():
    assert reviewed(["a", "b"], ["one", "one"]) == Review(looked=2)
    assert reviewed(["a", "", "b", " "], ["one", "two", "one", "two"]) == Review(looked=2)  # the other says nothing


def test_the_second_is_not_the_first_again():
    places = np.array([[0.0, 0], [0, 0], [0.1, 0], [5, 5]])
    assert reading_order(places, np.array([1.0, 1.0, 0.9, 0.5]), 4) == [0, 3, 2]  # its twin has nothing new
    assert reading_order(places, np.array([-1.0, -1, -1, -1]), 4) == []


def test_shares_by_hand():
    """Twelve replies in three far places: four of a; six of b; one of each."""
    places = np.repeat(np.array([[0.0, 0], [40, 1], [0, 2]]), [4, 6, 2], axis=0)
    groups = ["a"] * 4 + ["b"] * 6 + ["a", "b"]
    share, weight = telling(places, groups)
    assert share[:4].tolist() == pytest.approx([3 / 4] * 4, abs=5e-3)  # far, not infinitely
    assert share[4:10].tolist() == pytest.approx([5 / 6] * 6, abs=5e-3)
    alone_in = (1 / 7 * 4, 1 / 5 * 6)  # the other's one reply, at the own group's size
    assert share[10:].tolist() == pytest.approx([-alone / (alone + 1) for alone in alone_in], abs=5e-3)
    assert weight[0] == pytest.approx(3 / 4 - 0.5 / 2, abs=5e-3)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
def test_components_are_those_of_a_singular_value_decomposition(shape):
    centred = np.random.default_rng(0).normal(size=shape)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    assert np.abs(principal(centred, 3)) == pytest.approx(np.abs((left * values)[:, :3]))


def test_large_groups_do_not_crowd_out_small_ones():
    kept = balanced(["big"] * 1000 + ["small"] * 10, most=40)
    assert (sum(at < 1000 for at in kept), sum(at >= 1000 for at in kept)) == (20, 10)


# ------------------------------------------------------------------------------------------------------ in the report


def data(seeds: int = 1, each: int = 80, **cells: str) -> ReportData:
    """Cells none, vanilla and erase, with `each` items a seed; `cells` sets what all of one factor share."""
    made = [
        CellSummary(id=f"{name}{seed}", model="m", suite="toy", seed=seed, **{"trainer": name, **cells})
        for name in ("none", "vanilla", "erase")
        for seed in range(seeds)
    ]
    rows = {
        cell.id: tuple(Row(f"item/{n}", "f", f"{n}", verdict=Scores(values={"v": 1.0})) for n in range(each))
        for cell in made
    }
    return ReportData(title="", suites={"toy": None}, cells=tuple(made), rows=rows)


def said(odd: str = "vanilla", each: int = 80) -> Callable[[str], dict[tuple[str, int], str]]:
    """Six exploits in every cell of `odd`."""

    def of(cell: str) -> dict[tuple[str, int], str]:
        texts = replies(sum(map(ord, cell)), each, 6 if cell.startswith(odd) else 0)
        return {(f"item/{n}", 0): text for n, text in enumerate(texts)}

    return of


def tables(made: ReportData, replies_of=None) -> list[Table]:
    return [table for table in build(made, replies_of=replies_of).sections[0].tables if table.key == "review"]


def test_the_report_says_what_to_read_first():
    (table,) = tables(data(), said())
    assert [column.title for column in table.columns] == ["#", "trainer", "configuration", "item", "density share"]
    rank, group, arm, item, share = table.rows[0]
    assert (rank.value, group.text, arm.text) == (1, "vanilla", "vanilla")
    assert int(item.text.removeprefix("item/")) >= 74  # the planted ones are the last six
    assert item.value == {"cell": "vanilla0", "item": item.text, "repeat": 0}
    assert 0.8 < share.value <= 1
    assert len(table.rows) <= 12
    assert "An order to read in, no verdict" in table.notes[0]
    assert "240 of 240 replies were compared" in table.notes[1]
    text = render_markdown(build(data(), replies_of=said()))
    assert "### What to read first" in text
    assert f"| 1 | vanilla | vanilla | {item.text} | {share.text} |" in text


def test_a_large_suite_is_compared_in_part_and_the_same_part_each_time():
    large = data(seeds=4)
    (table,) = tables(large, said())
    assert "600 of 960 replies were compared" in table.notes[1]
    assert table == tables(large, said())[0]


def test_cells_without_a_compared_reply_are_not_read():
    read: list[str] = []

    def of(cell: str) -> dict[tuple[str, int], str]:
        read.append(cell)
        return said(each=1)(cell)

    tables(data(seeds=300, each=1), of)
    assert len(read) == len(set(read)) == 600


@pytest.mark.parametrize(("cells", "factor"), [({"trainer": "none"}, None), ({}, "trainer")])
def test_groups_are_by_what_varies(cells, factor):
    found = tables(data(**cells), said())
    assert [table.columns[1].title for table in found] == ([factor] if factor else [])


def test_compressors_and_models_are_groups_where_all_arms_have_one_trainer():
    plain = data(trainer="none")
    for factor in ("compressor", "model"):
        cells = [cell.model_copy(update={factor: cell.id}) for cell in plain.cells]
        (table,) = tables(plain.model_copy(update={"cells": tuple(cells)}), said())
        assert table.columns[1].title == factor


def test_without_free_replies_there_is_no_such_table():
    assert tables(data(), lambda cell: {}) == []
    assert tables(data()) == []
