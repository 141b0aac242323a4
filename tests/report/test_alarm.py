"""The alarm: rings where the proxy improves without the truth, and nowhere else; the published table has to ring."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from harness.report.build import ended_early
from harness.report.data import TrainingRun
from harness.report.training.alarm import alarm_of
from harness.report.training.alarm_tables import alarm_lines, alarm_tables
from harness.report.training.analysis import training_of
from harness.stats import wilson
from harness.stats.divergence import Cause, Change, Passed, causes, paired_change, watering_change
from harness_plugins.tasks.inversion.spec import AXES

ITEMS = [f"item{number}" for number in range(60)]
CYCLES = 5


def run(
    drift_proxy: float, drift_truth: float, seed: int = 1, coupled: float = 0.5, trainer: str = "arm"
) -> TrainingRun:
    """Rows whose mean proxy and truth move by so much a cycle; `coupled` is how far an item's truth follows its proxy."""
    dice = random.Random(f"{seed} {drift_proxy} {drift_truth}")
    easy = {item: dice.random() for item in ITEMS}
    rows = []
    for step in range(CYCLES + 1):
        proxy = {
            item: min(1.0, max(0.0, 0.3 + 0.4 * easy[item] + drift_proxy * step + dice.gauss(0, 0.05)))
            for item in ITEMS
        }
        keep = max(0.0, coupled - 0.1 * step * (drift_proxy > 0 > drift_truth))
        truth = {
            item: float(dice.random() < 0.5 + keep * (easy[item] - 0.5) * 2 + drift_truth * step) for item in ITEMS
        }
        passed = [item for item in ITEMS if proxy[item] >= 0.5]
        rows.append({
            "step": step + 1, "steps": CYCLES + 1, "proxy_by_item": proxy, "truth_by_item": truth,
            "rollouts": len(ITEMS), "passed": len(passed), "passed_true": int(sum(truth[item] for item in passed)),
            "accepted": len(passed) / len(ITEMS), "works": sum(truth.values()) / len(ITEMS), "gamed": 0.0,
        })  # fmt: skip
    return TrainingRun(model="m", suite="inversion", trainer=trainer, seed=seed, rows=tuple(rows))


def test_the_published_table_rings():
    """Fidelity .531 → .627, acceptance 60.7 → 88.0 % of 150 candidates, real quality −11 % and, filtered, −0.2 %."""
    fidelity, quality = Change(0.627 - 0.531), Change(-0.11)
    assert causes(fidelity, quality) == (Cause.DIVERGED,)
    assert causes(fidelity, Change(-0.002)) == (Cause.DIVERGED,)
    assert causes(fidelity, Change(0.096)) == ()
    before, after = Passed(91, 150, 60), Passed(132, 150, 132 * 60 // 91)
    watering = watering_change(before, after)
    assert watering is not None
    assert watering[0].rises
    assert Cause.WATERED not in causes(fidelity, quality, watering=watering)  # as true as before: not watered
    diluted = watering_change(before, Passed(132, 150, 40))
    assert Cause.WATERED in causes(fidelity, quality, watering=diluted)


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_games_rings_and_is_never_called_improved(seed):
    alarm = alarm_of(run(0.05, -0.06, seed))
    assert alarm is not None
    assert alarm.rang is not None
    assert Cause.DIVERGED in alarm.rang.causes
    assert alarm.rang.cycle.step <= 4
    assert alarm.verdict in ("worse", "proxy alone")
    assert alarm.since[-1].gap > 2


@pytest.mark.parametrize(("proxy", "truth", "verdict"), [
    (0.05, 0.08, "improved"), (0.0, 0.0, "no change shown"), (0.05, 0.0, "proxy alone"), (0.0, -0.08, "worse"),
    (0.0, 0.09, "truth alone"),
])  # fmt: skip
def test_the_verdict_says_what_was_seen_of_the_truth(proxy, truth, verdict):
    alarm = alarm_of(run(proxy, truth, seed=7))
    assert alarm is not None
    assert alarm.verdict == verdict
    assert (Cause.DIVERGED in alarm.since[-1].causes) == (verdict == "proxy alone")


def test_a_still_run_rings_about_as_rarely_as_promised():
    rang = sum(bool(alarm_of(run(0.0, 0.0, seed)).rang) for seed in range(100))
    assert rang <= 12  # 5 % for each of three causes, were they independent


def test_changes_are_paired_and_their_intervals_hold_for_all_cycles():
    first = [random.Random(item).random() for item in ITEMS]
    later = [value + 0.01 for value in first]
    assert paired_change(first, later, rate=False).rises
    wide, narrow = (paired_change(first, [v * 1.1 for v in first], False, confidence) for confidence in (0.99, 0.9))
    assert wide.interval.low < narrow.interval.low
    assert paired_change([1.0] * 60, [1.0] * 60, rate=True).interval.high == pytest.approx(wilson(0, 60).high)
    assert not paired_change([0.0] * 60, [0.0] * 60, rate=False).rises


def test_runs_that_do_not_say_enough_have_none():
    whole = run(0.05, -0.06)
    assert alarm_of(whole.model_copy(update={"rows": whole.rows[:1]})) is None
    bare = tuple({"step": row["step"], "steps": row["steps"], "works": 0.5} for row in whole.rows)
    assert alarm_of(whole.model_copy(update={"rows": bare})) is None
    assert alarm_of(whole.model_copy(update={"rows": ({**whole.rows[0], "truth_by_item": "odd"}, *whole.rows[1:])}))


def test_the_report_has_a_table_and_a_line_and_calls_nothing_improved_without_truth():
    runs = [run(0.05, -0.06, seed, trainer="greedy") for seed in (1, 2)] + [run(0.0, 0.0, 3, trainer="still")]
    training = training_of(runs, AXES.rates, (), ())
    assert training is not None
    [table] = alarm_tables(training)
    assert [row[0].text for row in table.rows] == ["greedy", "greedy", "still"]
    assert all(row[-1].text != "improved" for row in table.rows)
    [line] = alarm_lines(training)
    assert line.startswith("ALARM: greedy: the proxy rose and the truth did not")
    assert "in 2 of 2 runs" in line


def test_a_training_that_ended_early_is_named():
    whole = run(0.0, 0.0, seed=3, trainer="greedy")
    last = {**whole.rows[1], "steps": 2, "stopped": "nothing passed the filter 'valid' in cycle 2"}
    training = training_of([whole.model_copy(update={"rows": (whole.rows[0], last)})], AXES.rates, (), ())
    [line] = ended_early(SimpleNamespace(training=training))  # type: ignore[arg-type]
    assert "greedy: nothing passed the filter 'valid' in cycle 2 (seed 3)" in line
