"""Report data made from a seeded generator: a small experiment whose joint outcomes are known."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from harness.contract import Axes, Outcome, Quadrant, Rate
from harness.report.data import CellSummary, CompressionFacts, Contrast, ReportData, Row, TrustFooter

Q = Quadrant

GOODHART = Axes(
    proxy="explains the procedure",
    truth="executes it",
    quadrants={Q.BOTH: "knows & does", Q.PROXY_ONLY: "Goodhart gap", Q.TRUTH_ONLY: "DBDK", Q.NEITHER: "neither"},
    rates=(
        Rate(name="understanding", title="understanding", numerator=frozenset({Q.BOTH, Q.PROXY_ONLY})),
        Rate(name="execution", title="execution", numerator=frozenset({Q.BOTH, Q.TRUTH_ONLY})),
        Rate(
            name="gap",
            title="gap rate",
            numerator=frozenset({Q.PROXY_ONLY}),
            denominator=frozenset({Q.BOTH, Q.PROXY_ONLY}),
            better="low",
        ),
        Rate(
            name="dbdk",
            title="DBDK rate",
            numerator=frozenset({Q.TRUTH_ONLY}),
            denominator=frozenset({Q.BOTH, Q.TRUTH_ONLY}),
            better="low",
        ),
    ),
    measures={"explanation_length": "explanation (chars)"},
)


@pytest.fixture
def axes() -> Axes:
    return GOODHART


def rows(
    p_proxy: float, p_truth: float, seed: int, families: int, items: int, runs: int, errors: float
) -> tuple[Row, ...]:
    dice = random.Random(seed)
    out = []
    for f in range(families):
        for i in range(items):
            for repeat in range(runs):
                verdict = Outcome(
                    proxy=dice.random() < p_proxy,
                    truth=dice.random() < p_truth,
                    measures={"explanation_length": float(dice.randint(80, 400))},
                )
                broken = dice.random() < errors
                out.append(
                    Row(
                        item=f"f{f}-{i}",
                        family=f"family_{f}",
                        cluster=f"wording_{i % 3}",
                        repeat=repeat,
                        verdict=None if broken else verdict,
                        error="timeout" if broken else None,
                    )
                )
    return tuple(out)


@pytest.fixture
def experiment() -> Callable[..., ReportData]:
    """Baseline and two compressors on one suite; keyword arguments set its size."""

    def make(families: int = 7, items: int = 10, runs: int = 1, errors: float = 0.0) -> ReportData:
        strengths = {"none": (0.9, 0.8), "uniform3": (0.6, 0.4), "ultra3": (0.8, 0.7)}
        cells, by_cell = [], {}
        for seed, (name, (p_proxy, p_truth)) in enumerate(strengths.items()):
            samples = rows(p_proxy, p_truth, seed, families, items, runs, errors)
            lost = sum(row.verdict is None for row in samples)
            by_cell[name] = samples
            size = (
                CompressionFacts(layers_replaced=0, linears=42, bits_per_weight=16.0, bytes=6_300_000)
                if name == "none"
                else CompressionFacts(layers_replaced=42, linears=42, bits_per_weight=3.52, bytes=2_100_000)
            )
            cells.append(
                CellSummary(
                    id=name,
                    model="pocket",
                    suite="goodhart7",
                    compressor=name,
                    compression=size,
                    planned=len(samples),
                    attempted=len(samples),
                    scored=len(samples) - lost,
                    excluded={"timeout": lost} if lost else {},
                    seconds=12.3,
                )
            )
        contrasts = tuple(
            Contrast(base="none", other=name, factor="compressor") for name in strengths if name != "none"
        )
        total = sum(cell.planned for cell in cells)
        lost = sum(cell.planned - cell.scored for cell in cells)
        return ReportData(
            title="goodhart7 on pocket",
            suites={"goodhart7": GOODHART},
            cells=tuple(cells),
            rows=by_cell,
            contrasts=contrasts,
            footer=TrustFooter(
                planned=total, attempted=total, scored=total - lost, repeats=runs, command="harness run …"
            ),
        )

    return make
