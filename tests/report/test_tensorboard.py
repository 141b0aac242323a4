"""Training rows reach TensorBoard through the lifecycle hook, and the log that cells share."""

from __future__ import annotations

import pytest

from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.store.training_log import append_training, copy_training_log, read_training
from harness_plugins.trackers.tracked import scalars

ROWS = [
    {"step": 1, "steps": 3, "hack": 0.0, "skipped": True, "kl": None, "hack_by_family": {"sentinel": 0.0}},
    {"step": 2, "steps": 3, "hack": 0.25, "skipped": False, "kl": 0.1, "hack_by_family": {"exit_code": 0.5}},
    {"step": 3, "steps": 3, "hack": 0.5, "skipped": False, "kl": 0.2, "hack_by_family": {"sentinel": 1.0}},
]


def test_every_number_of_a_row_is_a_scalar():
    assert dict(scalars(ROWS[1])) == {
        "train/hack": 0.25,
        "train/skipped": 0.0,
        "train/kl": 0.1,
        "train/hack_by_family/exit_code": 0.5,
    }


def test_rows_are_events_by_the_hook(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plugins = load_plugins()
    plan = make_plan(
        experiment_from({"tasks": ("leetcode-loopholes",), "trainer": ("vanilla",), "baseline": False}),
        load_catalogue(plugins),
    )
    (cell,) = plan.cells
    for row in ROWS:
        plugins.notify("harness_training_row", run=tmp_path, cell=cell, row=row)
    assert not plugins.hook_errors
    events = EventAccumulator(str(tmp_path / "tensorboard" / cell.id)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/hack")] == [(1, 0.0), (2, 0.25), (3, 0.5)]
    assert [event.step for event in events.Scalars("train/hack_by_family/sentinel")] == [1, 3]


def test_a_cell_that_finds_its_arm_trained_has_the_rows_too(tmp_path):
    artefact, first, second = tmp_path / "artefact", tmp_path / "first", tmp_path / "second"
    for row in ROWS:
        append_training(row, artefact, first)
    copy_training_log(artefact, second)
    assert read_training(second) == read_training(first) == ROWS


def test_a_step_that_was_taken_twice_counts_once_as_it_was_taken_last(tmp_path):
    for row in (ROWS[0], ROWS[1], {**ROWS[1], "hack": 0.75}, ROWS[2]):
        append_training(row, tmp_path)
    assert [row["hack"] for row in read_training(tmp_path)] == [0.0, 0.75, 0.5]
    with (tmp_path / "training.jsonl").open("a") as file:
        file.write('{"step": 4, "st')  # cut by a kill
    assert len(read_training(tmp_path)) == 3
