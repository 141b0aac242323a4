"""One row of numbers per training step, kept twice: beside the weights it made, and in every cell that samples them.

A row is a JSON object with `step` (from 1) and `steps`, and whatever the trainer measured. Rates that carry the name of one of
the suite's own rates (`hack`, `solve`) are read by the report, over the policy's own rollouts; `<rate>_by_family` holds them by
family, `frac_zero_std` the share of groups without contrast, and `skipped` whether the step left the weights alone. Rows with
`proxy_by_item` and `truth_by_item` get the alarm (`harness/report/training/alarm.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import JsonValue

from harness.store.files import append_jsonl, read_jsonl, write_jsonl

NAME = "training.jsonl"
TrainingRow = dict[str, JsonValue]


def read_training(folder: Path) -> list[TrainingRow]:
    """The rows of a folder by step; a step that a resumed run repeated counts once, as last taken."""
    return _by_step(read_jsonl(folder / NAME))


def append_training(row: TrainingRow, *folders: Path) -> None:
    for folder in folders:
        append_jsonl(folder / NAME, [row])


def copy_training_log(artefact: Path, cell: Path) -> None:
    """Give the cell the rows of the weights it samples, whichever run trained them."""
    rows = _by_step([*read_jsonl(cell / NAME), *read_jsonl(artefact / NAME)])
    if rows:
        write_jsonl(cell / NAME, rows)


def _by_step(rows: Iterable[TrainingRow]) -> list[TrainingRow]:
    found = {step: row for row in rows if isinstance(step := row.get("step"), int)}
    return [found[step] for step in sorted(found)]
