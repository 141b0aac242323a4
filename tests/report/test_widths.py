"""On 80 and on 120 columns no row loses its name, nothing is cut, and columns that are left out are counted."""

from __future__ import annotations

import io
import os
import re
import shutil
from itertools import takewhile
from pathlib import Path

import pytest
import warm
from rich.cells import cell_len
from rich.console import Console

from harness.report.build import build
from harness.report.fit import fit
from harness.report.table import Column, Table, text_cell
from harness.report.terminal import print_table, render_terminal

WIDTHS = (80, 120)
LONG = "random-protect@budget@2.5#7, erase-contrastive-random"
OLD = Path(__file__).parents[1] / "core" / "old_run"


def rendered(width: int, show) -> list[str]:
    out = io.StringIO()
    show(Console(file=out, width=width))
    return out.getvalue().splitlines()


@pytest.fixture
def long_names(experiment):
    data = experiment(families=3)
    cells = tuple(cell.model_copy(update={"compressor": LONG}) if cell.id == "ultra3" else cell for cell in data.cells)
    return build(data.model_copy(update={"cells": cells}))


@pytest.mark.parametrize("width", WIDTHS)
def test_every_table_of_a_report_fits_and_keeps_its_names(long_names, width):
    tables = [table for section in long_names.sections for table in section.tables]
    for table in tables:
        lines = rendered(width, lambda console, table=table: print_table(table, console))
        assert max(map(cell_len, lines)) <= width, table.key
        cut = "".join(lines).count("…") - sum(cell.text.count("…") for row in table.rows for cell in row)
        assert cut <= 0, table.key
        for row in table.rows:
            assert is_there(row[0].text, lines), (table.key, row[0].text)


def is_there(name: str, lines: list[str]) -> bool:
    """Whether lines that follow each other begin with the parts of the name, one part each."""
    for start in range(len(lines)):
        rest = "".join(name.split())
        for line in lines[start:]:
            alike = takewhile(lambda two: two[0] == two[1], zip(rest, "".join(line.split()), strict=False))
            part = sum(1 for _ in alike)
            rest = rest[part:]
            if not part or not rest:
                break
        if not rest:
            return True
    return False


def unfolded(lines: list[str]) -> str:
    return "".join("".join(lines).split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_whole_report_is_no_wider_than_the_terminal(long_names, width):
    lines = rendered(width, lambda console: render_terminal(long_names, console, full=True))
    assert max(map(cell_len, lines)) <= width


def test_the_headline_is_whole_on_80_columns(long_names):
    headline = next(table for section in long_names.sections for table in section.tables if table.key == "headline")
    assert fit(headline, 80).dropped == 0
    titles = [column.key for column in headline.columns]
    assert titles == [
        "configuration", "bits_per_weight", "understanding", "execution", "gap", "dbdk", "difference", "verdict",
    ]  # fmt: skip
    by_name = {row[0].text: row for row in headline.rows}
    assert by_name["baseline"][-1].text == ""
    assert by_name["uniform3"][-1].text == "worse"


def test_columns_leave_in_the_order_that_they_declare_and_are_counted():
    columns = (
        Column("name", "name"),
        Column("a", "a", "right"),
        Column("b", "b", "right", 2),
        Column("c", "c", "right", 1),
    )
    columns += (Column("kept", "kept", "left", -1), Column("d", "d", "right"))
    table = Table("t", "", columns, (tuple(map(text_cell, ["n" * 30, *["1" * 20] * 3, "k", "2" * 20])),))
    assert [[column.key for column in fit(table, width).table.columns] for width in (200, 110, 90, 68, 40, 10)] == [
        ["name", "a", "b", "c", "kept", "d"],
        ["name", "a", "c", "kept", "d"],
        ["name", "a", "kept", "d"],
        ["name", "a", "kept"],
        ["name", "kept"],
        ["name", "kept"],
    ]
    assert rendered(68, lambda console: print_table(table, console))[-1] == " +3 columns: --wide"
    assert rendered(40, lambda console: print_table(table, console, wide=True))[-1].endswith("2" * 20)


VERBS = {
    "list": [],
    "plan": ["--tasks", "goodhart7", "--compressor", "random-protect@budget@2.5,uniform@budget@2.5"],
    "describe": ["goodhart7"],
    "show": ["old"],
    "runs": ["."],
    "report": ["old"],
    "compare": ["old", "other"],
    "gate": ["old", "goodhart7.does >= base - 0.05"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("runs")
    for name in ("old", "other"):
        shutil.copytree(OLD, made / name)
    return made


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_tables_of_verbs_keep_the_width_and_the_names(folder, verb, width):
    env = {**os.environ, "COLUMNS": str(width), "HARNESS_CACHE": str(folder / "cache")}
    done = warm.run(["-m", "harness", verb, *VERBS[verb]], cwd=folder, env=env)
    assert done.returncode == (3 if verb == "gate" else 0), done.stderr
    lines = done.stdout.splitlines()
    tables = [line for line in lines if re.search(r"\S {2,}\S", line) or not line.strip()]
    assert max(map(cell_len, tables)) <= width
    text = unfolded(lines)
    names = {
        "list": ["random-protect", "erase-contrastive-random", "leetcode-loopholes"],
        "describe": ["understanding", "goodhart"],
        "runs": ["old", "other"],
        "gate": ["ultra3"],
    }.get(verb, ["uniform@"])
    assert all(name in text for name in names)


def test_text_that_folds_is_never_cropped():
    """Least widths that rich takes for itself may sum to more than the console has: it then cuts the last column."""
    row = (
        "leetcode-loopholes.solve >= base - 5%",
        "vanilla",
        "0.0 pp [−15.5, +15.5]",
        "not enough items: 21 items; 73 would do",
    )
    columns = (
        Column("a", "condition"),
        Column("b", "arm"),
        Column("c", "found", "left", -1),
        Column("d", "verdict", "left", -1),
    )
    table = Table("t", "", columns, (tuple(map(text_cell, row)),) * 2)
    for width in range(30, 120):
        lines = rendered(width, lambda console, width=width: print_table(table, console))
        assert max(map(cell_len, lines)) <= width
        fitted = fit(table, width)
        cells = [cell.text for one in fitted.table.rows for cell in one]
        expected = [*(column.title for column in fitted.table.columns), *cells, fitted.note]
        assert sorted(unfolded(lines).replace("─", "")) == sorted(unfolded(expected)), width
