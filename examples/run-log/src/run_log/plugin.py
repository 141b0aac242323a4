"""Hooks take as many of their documented arguments as they want."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import harness

LOG = "events.jsonl"


@harness.hookimpl
def harness_run_start(run, plan) -> None:
    write(run, "run started", cells=len(plan.cells))


@harness.hookimpl
def harness_cell_start(run, cell) -> None:
    write(run, "cell started", cell=cell.id)


@harness.hookimpl
def harness_cell_end(run, cell, state, error) -> None:
    write(run, "cell ended", cell=cell.id, state=state, error=error)


@harness.hookimpl
def harness_run_end(run, states) -> None:
    write(run, "run ended", states=states)


@harness.hookimpl
def harness_report_sections(run) -> list[tuple[str, str]]:
    """The report is made again from the folder alone (`harness report RUN`): read the log, remember nothing."""
    if not (run / LOG).is_file():
        return []
    events = [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]
    started = sum(event["event"] == "run started" for event in events)
    ended = [event for event in events if event["event"] == "cell ended"]
    return [("Run log", f"{len(ended)} cells ended in {started} starts of this run.")]


def write(run: Path, event: str, **facts) -> None:
    row = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **facts}
    with (run / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")
