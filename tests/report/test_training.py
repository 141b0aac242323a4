"""Training tables: per arm over seeds, paired over equal seeds only, refused elsewhere."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import ttest_rel
from statsmodels.stats.multitest import multipletests

from harness.contract import Outcome
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row, TrainingRun
from harness.report.results import to_json
from harness.report.terminal import render_terminal
from harness.report.training.contrasts import seed_text
from harness_plugins.tasks.loopholes.spec import AXES

STEPS = 12
LEVEL = {"vanilla": 0.8, "erase": 0.5, "erase-random": 0.75}  # hack rate reached
PARAMS = {
    "vanilla": {"arm": "vanilla", "placebo": "none"},
    "erase": {"arm": "erase", "placebo": "none"},
    "erase-random": {"arm": "erase", "placebo": "haar"},
}
DECLARED = (("none", "vanilla"), ("vanilla", "erase"), ("erase-random", "erase"), ("vanilla", "erase-random"))


def rows(trainer: str, seed: int, steps: int = STEPS) -> tuple[dict, ...]:
    dice = random.Random(f"{trainer} {seed}")
    found = []
    for step in range(1, steps + 1):
        hack = LEVEL[trainer] * (step - 1) / (steps - 1) + dice.uniform(-0.02, 0.02) * (step > 1)
        family = "exit_code" if step % 2 else "sentinel"
        found.append(
            {
                "step": step,
                "steps": steps,
                "hack": hack,
                "solve": 0.5 - 0.2 * hack,
                "hack_by_family": {family: hack},
                "frac_zero_std": 0.25,
                "skipped": step == 3,
                "truncated": 0.5 if trainer == "erase" else 0.02,
            }
        )
    return tuple(found)


def experiment(seeds: dict[str, range], cut: tuple[str, int] | None = None, monitor: str | None = None) -> ReportData:
    """The untouched model and three trainers; `cut` names a run that stopped after four steps."""
    cells, samples, runs = [], {}, []
    for trainer in ("none", *LEVEL):
        for seed in seeds.get(trainer, seeds["vanilla"]):
            dice, cell = random.Random(f"held out {trainer} {seed}"), f"{trainer}-{seed}"
            rate = LEVEL.get(trainer, 0.0)
            samples[cell] = tuple(
                Row(
                    item=f"p{i}",
                    family="all",
                    cluster=f"p{i}",
                    verdict=Outcome(proxy=dice.random() < rate, truth=False),
                )
                for i in range(40)
            )
            cells.append(
                CellSummary(
                    id=cell, model="m", suite="s", trainer=trainer, seed=seed, planned=40, attempted=40, scored=40
                )
            )
            if trainer in LEVEL:
                made = rows(trainer, seed)[: 4 if cut == (trainer, seed) else STEPS]
                runs.append(
                    TrainingRun(
                        model="m",
                        suite="s",
                        trainer=trainer,
                        seed=seed,
                        rows=made,
                        params=PARAMS[trainer],
                        monitor=monitor if trainer == "erase" else None,
                    )
                )
    known = {cell.id for cell in cells}
    contrasts = [
        Contrast(base=f"{base}-{cell.seed}", other=cell.id, factor="trainer")
        for cell in cells
        for base, other in DECLARED
        if cell.trainer == other and f"{base}-{cell.seed}" in known
    ]
    return ReportData(
        title="t",
        suites={"s": AXES},
        cells=tuple(cells),
        rows=samples,
        contrasts=tuple(contrasts),
        training=tuple(runs),
    )


def tables(data: ReportData) -> dict[str, dict]:
    return {table["key"]: table for table in to_json(build(data))["sections"][0]["tables"]}


def last(trainer: str, seeds) -> list[float]:
    return [float(np.mean([row["hack"] for row in rows(trainer, seed)[-5:]])) for seed in seeds]


def by_contrast(table: dict) -> dict[tuple[str, str], dict]:
    return {(row["contrast"]["base"], row["contrast"]["other"]): row for row in table["rows"]}


SEEDS = range(41, 47)


def test_an_arm_starts_at_its_first_step_and_ends_with_the_mean_of_its_last_five():
    arms = {row["arm"]: row for row in tables(experiment({"vanilla": SEEDS}))["training"]["rows"]}
    assert list(arms) == ["baseline", "vanilla", "erase", "erase-random"]
    found = arms["erase"]
    assert found["hack_first"]["value"] == pytest.approx(0.0)
    assert found["hack_last"]["value"] == pytest.approx(np.mean(last("erase", SEEDS)))
    assert found["hack_last"]["sd"] == pytest.approx(np.std(last("erase", SEEDS), ddof=1))
    assert found["hack_held_out"]["seeds"] == list(SEEDS)
    assert found["solve_kept"] == pytest.approx((0.5 - 0.2 * np.mean(last("erase", SEEDS))) / 0.5)
    assert found["idle"] == {"flat": pytest.approx(0.25), "skipped": 6, "steps": 72}
    assert arms["baseline"]["hack_held_out"]["value"] == 0.0


def test_rollouts_that_the_limit_cut_are_a_column_and_above_a_twentieth_a_warning():
    report = to_json(build(experiment({"vanilla": SEEDS})))["sections"][0]
    arms = {row["arm"]: row for row in report["tables"][0]["rows"]}
    assert (arms["vanilla"]["cut"], arms["erase"]["cut"]) == (pytest.approx(0.02), pytest.approx(0.5))
    warnings = [note for note in report["notes"] if note.startswith("Warning")]
    assert warnings == ["Warning: erase: the token limit cut 50.0 % of the rollouts that it was trained on."]


def test_differences_are_paired_by_seed_and_adjusted_over_the_declared_contrasts():
    table = tables(experiment({"vanilla": SEEDS}))["training:hack"]
    found = by_contrast(table)
    assert list(found) == [
        ("its first step", "vanilla"),
        ("vanilla", "erase"),
        ("erase-random", "erase"),
        ("vanilla", "erase-random"),
    ]
    before, after = last("vanilla", SEEDS), last("erase", SEEDS)
    difference = found["vanilla", "erase"]["difference"]
    oracle = ttest_rel(after, before).confidence_interval(0.95)
    assert difference["interval"] == pytest.approx([oracle.low, oracle.high])
    assert difference["p"] == 2 / 2**6
    assert difference["inference"] is True
    expected = multipletests([row["difference"]["p"] for row in table["rows"]], method="holm")[1]
    assert [row["difference"]["adjusted"] for row in table["rows"]] == pytest.approx(list(expected))
    assert found["erase-random", "erase"]["contrast"]["differs"] == {"placebo": ["haar", "none"]}
    assert found["vanilla", "erase"]["held_out"]["value"] < 0


def test_a_family_too_large_for_its_seeds_says_how_many_it_takes():
    """Four contrasts at six seeds: 4 · 2/2⁶ = .125; seven seeds end at .0625, eight at .031."""
    assert any("it would take 8." in note for note in tables(experiment({"vanilla": SEEDS}))["training:hack"]["notes"])
    enough = tables(experiment({"vanilla": range(41, 49)}))["training:hack"]
    assert not any("it would take" in note for note in enough["notes"])


def test_under_six_seeds_a_difference_carries_no_inference():
    section = build(experiment({"vanilla": range(41, 46)})).sections[0]
    table = next(table for table in section.tables if table.key == "training:hack")
    assert all(row[4].text.endswith("no inference") for row in table.rows)


def test_different_seed_sets_are_refused_in_one_line():
    data = experiment({"vanilla": SEEDS, "erase": range(43, 49)})
    table = tables(data)["training:hack"]
    row = by_contrast(table)["vanilla", "erase"]
    assert row["difference"] == {"refused": "seeds 43–48 against 41–46"}
    assert row["base"] is row["other"] is None
    assert "Refused: erase vs vanilla; erase vs erase-random: seeds 43–48 against 41–46." in table["notes"]
    assert by_contrast(table)["vanilla", "erase-random"]["difference"]["seeds"] == list(SEEDS)


def test_a_run_that_stopped_is_left_out_named_and_leaves_its_seed_set_short():
    found = tables(experiment({"vanilla": SEEDS}, cut=("erase", 44)))
    assert any("seed 44 (4 of 12 steps)" in note for note in found["training"]["notes"])
    erase = next(row for row in found["training"]["rows"] if row["arm"] == "erase")
    assert erase["seeds"] == [41, 42, 43, 45, 46]
    assert by_contrast(found["training:hack"])["vanilla", "erase"]["difference"] == {
        "refused": "seeds 41–43, 45–46 against 41–46"
    }


def test_runs_of_other_lengths_are_refused():
    data = experiment({"vanilla": SEEDS})
    shorter = tuple(
        run.model_copy(update={"rows": rows("erase", run.seed, 8)}) if run.trainer == "erase" else run
        for run in data.training
    )
    table = tables(data.model_copy(update={"training": shorter}))["training:hack"]
    assert by_contrast(table)["vanilla", "erase"]["difference"] == {"refused": "8 steps against 12"}


def test_families_are_means_over_the_last_steps_that_drew_them():
    table = tables(experiment({"vanilla": SEEDS}))["training:families:hack"]
    row = next(row for row in table["rows"] if row["arm"] == "vanilla")
    drawn = [
        np.mean([r["hack"] for r in rows("vanilla", seed)[-5:] if "sentinel" in r["hack_by_family"]]) for seed in SEEDS
    ]
    assert row["sentinel"]["value"] == pytest.approx(np.mean(drawn))


def test_a_monitor_is_named_where_its_arm_stands():
    section = build(experiment({"vanilla": SEEDS}, monitor="static")).sections[0]
    table = section.tables[0]
    assert [row[0].text for row in table.rows] == ["baseline", "vanilla", "erase †", "erase-random"]
    assert "† erase was trained with the detector static as its monitor, which does not grade it." in table.notes


def test_attempts_stand_in_the_overview_where_rows_know_them():
    data = experiment({"vanilla": SEEDS})
    assert "tried" not in {column.key for column in build(data).sections[0].tables[0].columns}
    told = [run for run in data.training if run.trainer == "erase"]
    rest = [run for run in data.training if run.trainer != "erase"]
    told = [
        run.model_copy(update={"rows": tuple({**row, "attempted": row["step"] / 100} for row in run.rows)})
        for run in told
    ]
    table = build(data.model_copy(update={"training": (*rest, *told)})).sections[0].tables[0]
    place = [column.key for column in table.columns].index("tried")
    shown = {row[0].text: row[place].text for row in table.rows}
    assert shown == {"baseline": "–", "vanilla": "–", "erase": "10.0 %", "erase-random": "–"}  # steps 8 to 12
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert any(note.startswith("Tried: share") for note in table.notes)


def test_the_tables_fit_a_hundred_columns():
    console = Console(width=100, record=True, file=io.StringIO())
    render_terminal(build(experiment({"vanilla": SEEDS})), console)
    text = console.export_text()
    assert "erase-random" in text
    assert "skipped" in text  # the last column's title is whole
    assert max(map(len, text.splitlines())) <= 100


def test_seed_sets_are_written_as_ranges_and_repeats():
    assert seed_text((41, 42, 43, 44)) == "41–44"
    assert seed_text((44, 41, 43)) == "41, 43–44"
    assert seed_text((41, 41)) == "41 ×2"
    assert seed_text((41, 41, 43, 44)) == "41 ×2, 43–44"
    assert seed_text(()) == "none"


def test_held_out_items_by_family_are_means_over_seeds():
    data = experiment({"vanilla": SEEDS})
    split = {
        cell: tuple(row._replace(family="odd" if int(row.item[1:]) % 2 else "even") for row in rows)
        for cell, rows in data.rows.items()
    }
    data = data.model_copy(update={"rows": split})
    row = next(row for row in tables(data)["held_out:families:hack"]["rows"] if row["arm"] == "erase")
    by_seed = [
        np.mean([one.verdict.proxy for one in data.rows[f"erase-{seed}"] if one.family == "odd"]) for seed in SEEDS
    ]
    assert row["odd"]["value"] == pytest.approx(np.mean(by_seed))
    assert row["odd"]["seeds"] == list(SEEDS)


def test_held_out_differences_over_fewer_seeds_say_so():
    section = build(experiment({"vanilla": SEEDS, "erase": range(43, 49)})).sections[0]
    table = next(table for table in section.tables if table.key == "training:hack")
    texts = {row[0].text.split("\n")[0]: row[5].text for row in table.rows}
    assert texts["erase vs vanilla"].endswith("4 shared seeds")
    assert "shared" not in texts["erase-random vs vanilla"]
