"""Randomised controls: several draws of one name, reported as mean and range beside the arm they control."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.report.build import build
from harness.report.data import CompressionFacts, Contrast, ReportData
from harness.report.results import to_json
from harness.report.table import Table

DRAWS = {f"random@ultra3#{seed}": (0.3 + 0.1 * seed) for seed in (1, 2, 3)}


@pytest.fixture
def drawn(experiment: Callable[..., ReportData]) -> ReportData:
    """Three draws of a control of ultra3, their execution taken from the baseline's first 30, 40, 50 % of samples."""
    data = experiment()
    ultra = next(cell for cell in data.cells if cell.id == "ultra3")
    size = CompressionFacts(layers_replaced=42, linears=42, bits_per_weight=3.51, bytes=2_100_000)
    cells, rows = list(data.cells), dict(data.rows)
    for label, share in DRAWS.items():
        cells.append(
            ultra.model_copy(update={"id": label, "compressor": label, "draw_of": "random@ultra3", "compression": size})
        )
        none = data.rows["none"]
        rows[label] = tuple(
            row._replace(verdict=row.verdict.model_copy(update={"truth": i < round(share * len(none))}))
            for i, row in enumerate(none)
            if row.verdict
        )
    contrasts = (*data.contrasts, *(Contrast(base=label, other="ultra3", factor="control") for label in DRAWS))
    return data.model_copy(update={"cells": tuple(cells), "rows": rows, "contrasts": contrasts})


def table(data: ReportData, key: str) -> Table:
    return next(table for table in build(data).sections[0].tables if table.key == key)


def test_draws_are_one_row_of_mean_and_range(drawn: ReportData) -> None:
    found = next(t for t in to_json(build(drawn))["sections"][0]["tables"] if t["key"] == "draws")
    controlled, control = found["rows"]
    assert (controlled["configuration"], control["configuration"]) == ("ultra3", "random@ultra3")
    assert control["draws"] == list(DRAWS)
    spread = control["execution"]
    assert spread["values"] == pytest.approx([0.4, 0.5, 0.6])
    assert (spread["mean"], spread["low"], spread["high"]) == pytest.approx((0.5, 0.4, 0.6))
    execution = controlled["execution"]
    assert execution["above"] == sum(execution["value"] > value for value in spread["values"])


def test_the_draws_are_read_as_text(drawn: ReportData) -> None:
    found = table(drawn, "draws")
    column = [column.key for column in found.columns].index("execution")
    controlled, control = (row[column].text for row in found.rows)
    assert control == "50.0 %\n40.0 % – 60.0 %"
    assert controlled.endswith("/3")
    assert [row[2].text for row in found.rows] == ["3.520", "3.510"]


def test_a_contrast_of_two_compressed_models_shows_both_sizes(drawn: ReportData) -> None:
    heads = [row[0].text for row in table(drawn, "differences:execution").rows]
    assert "ultra3 vs random@ultra3#1 (control)\n3.520 vs 3.510 bits/w" in heads


def test_without_draws_there_is_no_such_table(experiment: Callable[..., ReportData]) -> None:
    assert not any(table.key.startswith("draws") for table in build(experiment()).sections[0].tables)
