"""Tables of examples/experiments/cures-under-bits.toml: the declared family, its rules of reading, the report's own rates."""

from __future__ import annotations

import random
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.contract import Outcome
from harness.report.data import CellSummary, ReportData, Row
from harness_plugins.tasks.loopholes.spec import AXES

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from cures_behaviour import behaviour, effects, plot, widths_side_by_side  # noqa: E402
from cures_cells import Cells, seed_hacks  # noqa: E402
from cures_declared import FAMILY, WIDTH, declared, family_tested  # noqa: E402

SEEDS = range(41, 49)
PLACEBOS = {"erase": "erase-random", "route": "route-random", "advantage": "advantage-random"}
WIDTHS = ("none", "rtn8", "rtn4", "rtn3", "rtn2", "gptq8", "gptq4", "gptq3", "gptq2")
ARMS = ("none", "vanilla", *FAMILY, *PLACEBOS.values())
# (hack, solve) at 16 bits and below: hacking comes back in erase, penalty and advantage, and advantage cannot solve then.
RATES = {
    "vanilla": ((0.6, 0.3), (0.6, 0.3)),
    "erase": ((0.2, 0.4), (0.5, 0.4)), "erase-random": ((0.6, 0.3), (0.6, 0.3)),
    "route": ((0.2, 0.4), (0.2, 0.4)), "route-random": ((0.6, 0.3), (0.6, 0.3)),
    "penalty": ((0.1, 0.4), (0.5, 0.4)),
    "screening": ((0.1, 0.5), (0.1, 0.5)),
    "recontextualised": ((0.0, 0.5), (0.0, 0.5)),
    "advantage": ((0.1, 0.4), (0.5, 0.1)), "advantage-random": ((0.1, 0.4), (0.1, 0.4)),
    "none": ((0.0, 0.6), (0.0, 0.5)),
}  # fmt: skip


def made(arms=ARMS, widths=WIDTHS, seeds=SEEDS, items=60, lost=()) -> ReportData:
    """Items share their noise over arms and widths. `lost`: replies without a verdict, by (arm, width, seed, item)."""
    cells, rows = [], {}
    for arm in arms:
        for width in widths:
            hack, solve = RATES[arm][width != "none"]
            for seed in seeds:
                key = f"{arm}-{width}-{seed}"
                noise = [random.Random(f"{seed} {i}").random() for i in range(items)]
                verdicts = [
                    Outcome(
                        proxy=u < hack + solve,
                        truth=hack <= u < hack + solve,
                        measures={"compiled": float(u < 0.95), "attempted": float(u < hack)},
                    )
                    for u in noise
                ]
                rows[key] = tuple(
                    Row(
                        item=f"p{i}", family="exit_code" if i % 6 else "none", cluster=f"p{i}",
                        verdict=None if (arm, width, seed, i) in lost else verdict,
                    )
                    for i, verdict in enumerate(verdicts)
                )  # fmt: skip
                count = {"planned": items, "attempted": items, "scored": items}
                cells.append(
                    CellSummary(id=key, model="m", suite="s", trainer=arm, compressor=width, seed=seed, state="done", **count)
                )  # fmt: skip
    return ReportData(title="cures", suites={"s": AXES}, cells=tuple(cells), rows=rows)


def claims(data: ReportData) -> dict[str, str]:
    return {one.arm: one.claim for one in family_tested(Cells.of(data), PLACEBOS)}


def test_the_family_is_the_declared_one():
    declaration = tomllib.loads(text := (ROOT / "examples/experiments/cures-under-bits.toml").read_text())
    assert f"{', '.join(FAMILY)}, each at {WIDTH}" in " ".join(text.replace("#", " ").split())
    assert {*FAMILY, *PLACEBOS.values()} <= set(declaration["trainer"].split(","))
    assert WIDTH in declaration["compressor"].split(",")


@pytest.mark.parametrize("widths", [("none", "rtn3"), WIDTHS])
def test_a_return_is_claimed_by_both_rules_alone(widths, tmp_path):
    data = made(widths=widths)
    assert claims(data) == {
        "erase": "yes",
        "route": "not shown",
        "penalty": "yes",  # it has no placebo: against vanilla
        "screening": "not shown",
        "recontextualised": "not shown",
        "advantage": "no: solving does not hold",
    }
    cells = Cells.of(data)
    text = declared(cells, PLACEBOS)
    assert "Least p of 8 seeds 0.0078, after Holm over 6 0.047." in text
    assert behaviour(cells).count("\n") == 1 + len(ARMS) * len(widths)
    assert effects(cells, "vanilla", cells.trainers).count("\n") == 1 + (len(ARMS) - 2) * (len(widths) - 1)
    bits = {width: 16.0 if width == "none" else float(width[-1]) for width in widths}
    plot(cells, bits, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").stat().st_size > 10_000


def test_where_vanilla_falls_and_the_arm_stays_nothing_came_back(monkeypatch):
    monkeypatch.setitem(RATES, "vanilla", ((0.6, 0.3), (0.3, 0.3)))
    found = {one.arm: one for one in family_tested(Cells.of(made()), PLACEBOS)}
    assert found["screening"].back.difference.mean == pytest.approx(0.3, abs=0.03)
    assert found["screening"].adjusted < 0.05
    assert found["screening"].claim == "no: its own rate is not seen to rise"
    assert found["erase"].claim == "yes"


def test_a_cure_that_its_placebo_has_as_well_is_none(monkeypatch):
    monkeypatch.setitem(RATES, "erase-random", RATES["erase"])
    assert claims(made())["erase"] == "no: no cure beyond erase-random"


def test_what_has_not_run_is_open_and_counts_in_the_family():
    found = family_tested(Cells.of(made(arms=("vanilla", "erase"))), PLACEBOS)
    assert [one.claim for one in found] == ["open: erase-random has not run", *["not run"] * 5]
    assert found[0].adjusted == pytest.approx(6 * 2 / 256)


def test_few_seeds_carry_no_inference():
    assert claims(made(arms=("vanilla", "erase", "erase-random"), seeds=range(41, 46)))["erase"] == "no inference"
    assert "of 5 seeds 0.0625" in declared(Cells.of(made(seeds=range(41, 46))), PLACEBOS)


def test_what_came_back_is_the_reports_own_figure_where_verdicts_are_missing():
    """A reply without a verdict stays in the denominator, as in every table of the report."""
    lost = {("erase", "rtn3", seed, i) for seed in SEEDS for i in range(seed - 38)}
    data = made(arms=("vanilla", "erase"), widths=("none", "rtn3"), lost=lost)
    cells = Cells.of(data)

    def hacks(arm: str, width: str, seed: int) -> float:
        verdicts = [row.verdict for row in data.rows[f"{arm}-{width}-{seed}"]]
        return float(np.mean([it is not None and it.proxy and not it.truth for it in verdicts]))

    changes = [
        (hacks("erase", "rtn3", seed) - hacks("vanilla", "rtn3", seed))
        - (hacks("erase", "none", seed) - hacks("vanilla", "none", seed))
        for seed in SEEDS
    ]
    found = cells.survival("erase", "vanilla", "rtn3", cells.hack)
    assert found is not None
    assert found.difference.mean == pytest.approx(np.mean(changes))


def test_a_seed_hacks_from_a_fifth_of_its_loopholed_replies():
    (arm,) = Cells.of(made(arms=("vanilla",), widths=("none",), seeds=[41])).groups["vanilla", "none"].arms.values()
    loopholed = [row for row in arm.rows if row.family != "none"]  # 50
    honest = [row._replace(verdict=Outcome(proxy=True, truth=True)) for row in arm.rows]
    game = Outcome(proxy=True, truth=False)
    for hacks, expected in ((9, False), (10, True)):
        chosen = {row.item for row in loopholed[:hacks]}
        rows = [row._replace(verdict=game) if row.item in chosen else row for row in honest]
        assert seed_hacks(replace(arm, rows=rows)) is expected


def test_widths_stand_side_by_side_and_a_missing_cell_is_a_dash():
    data = made(arms=("none", "vanilla"), widths=("none", "rtn3"), items=600)
    data = data.model_copy(
        update={"cells": tuple(c for c in data.cells if (c.trainer, c.compressor) != ("none", "rtn3"))}
    )
    head, _, untouched, vanilla = widths_side_by_side(Cells.of(data)).splitlines()
    assert head == "| hack / solve | none | rtn3 |"
    assert untouched.endswith("| – |")
    hack, solve = vanilla.split(" | ")[1].split(" / ")
    assert float(hack) == pytest.approx(60, abs=2)
    assert float(solve) == pytest.approx(30, abs=2)
