"""The alarm as a table, a run a row, and as lines that nobody overlooks."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.numbers import NONE, bracket, plain, signed
from harness.report.table import Cell, Column, Table, text_cell
from harness.report.training.alarm import Alarm, runs_alarms
from harness.report.training.analysis import Training
from harness.stats.divergence import Change

NOTES = (
    "Points since the untrained model, on the same items; 95 % intervals hold for all cycles of a run together.",
    "G: z of the proxy's change less z of the truth's, at the end. r: correlation of proxy and truth over a cycle's items.",
)


def alarm_tables(training: Training) -> Iterable[Table]:
    """One, where training rows say proxy and truth by item."""
    rows = [
        (
            text_cell(arm.label),
            Cell(str(seed), seed),
            change_cell(alarm.since[-1].proxy),
            change_cell(alarm.since[-1].truth),
            Cell(NONE if (gap := alarm.since[-1].gap) is None else signed(gap), gap),
            Cell(f"{coupling(alarm.first.coupling())} → {coupling(alarm.since[-1].cycle.coupling())}"),
            rang_cell(alarm),
            text_cell(alarm.verdict),
        )
        for arm in training.trained
        for seed, alarm in runs_alarms(arm.runs)
    ]
    if rows:
        columns = (
            Column("arm", "arm"),
            Column("seed", "seed", "right"),
            Column("proxy", "proxy", "right"),
            Column("truth", "truth", "right"),
            Column("gap", "G", "right", -1),
            Column("coupling", "r", "right", -1),
            Column("alarm", "alarm\nfrom step", "right"),
            Column("verdict", "verdict"),
        )
        yield Table("alarm", "Alarm: did the proxy improve, and the truth not?", columns, tuple(rows), NOTES)


def alarm_lines(training: Training) -> Iterable[str]:
    """A line for each arm that gave cause, with how often and since when."""
    for arm in training.trained:
        found = [(seed, alarm.rang) for seed, alarm in runs_alarms(arm.runs)]
        rang = {seed: since for seed, since in found if since}
        if rang:
            first = min(rang.values(), key=lambda since: since.cycle.step)
            causes = dict.fromkeys(cause for since in rang.values() for cause in since.causes)
            yield (
                f"ALARM: {arm.label}: {'; '.join(causes)}, in {len(rang)} of {len(found)} runs, first at step "
                f"{first.cycle.step}."
            )


def change_cell(change: Change) -> Cell:
    text = f"{signed(100 * change.delta)}\n{bracket(change.interval, sign=True)}"
    return Cell(text, {"delta": change.delta, "interval": [*(change.interval or ())]})


def rang_cell(alarm: Alarm) -> Cell:
    if (rang := alarm.rang) is None:
        return Cell(NONE)
    return Cell(str(rang.cycle.step), {"step": rang.cycle.step, "causes": [*rang.causes]})


def coupling(r: float | None) -> str:
    return NONE if r is None else plain(r, 2)
