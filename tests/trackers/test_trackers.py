"""Trackers on request: training rows and what verdicts came to reach the real local stores, read back by their own clients."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.contract import Outcome
from harness.errors import HarnessError
from harness.planning.cells import Cell
from harness.registry.plugins import load_plugins
from harness.store.files import write_jsonl
from harness.store.run import RunStore, VerdictRow

ROWS = [
    {"step": 1, "steps": 2, "hack": 0.0, "kl": None, "hack_by_family": {"sentinel": 0.0}},
    {"step": 2, "steps": 2, "hack": 0.5, "kl": 0.1, "hack_by_family": {"sentinel": 1.0}},
]


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    """A trained cell whose verdicts are stored: one of three items is a hack."""
    made = harness.plan(tasks="leetcode-loopholes", trainer="vanilla", baseline=False, out=tmp_path / "study")
    (cell,) = made.cells
    verdicts = [Outcome(proxy=True, truth=True), Outcome(proxy=True, truth=False), None]
    rows = [
        VerdictRow(item=f"i{n}", family="f", cluster="c", repeat=0, verdict=verdict, error=None if verdict else "lost")
        for n, verdict in enumerate(verdicts)
    ]
    path = RunStore(tmp_path / "study").cell(cell.id).verdicts_path(cell.grade_key)
    write_jsonl(path, (row.model_dump(mode="json") for row in rows))
    return cell


def follow(name: str, run: Path, cell: Cell) -> None:
    """What worker and driver tell a plugin of a cell."""
    plugins = load_plugins(requested=[name])
    for row in ROWS:
        plugins.notify("harness_training_row", run=run, cell=cell, row=row)
    plugins.notify("harness_cell_end", run=run, cell=cell, state="done", error=None)
    assert not plugins.hook_errors


def test_mlflow_has_the_curve_the_result_and_the_settings(cell, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed (extra mlflow)")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    follow("harness_plugins.trackers.mlflow", tmp_path / "study", cell)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("study")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["trainer"] == "vanilla"
    assert found.data.tags["harness.cell"] == cell.id
    curve = client.get_metric_history(found.info.run_id, "train/hack")
    assert [(one.step, one.value) for one in curve] == [(1, 0.0), (2, 0.5)]
    assert found.data.metrics["share/proxy_only"] == pytest.approx(1 / 3)
    assert found.data.metrics["unscored"] == 1


def test_trackio_has_the_curve_the_result_and_the_settings(cell, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))  # read when it is imported
    pytest.importorskip("trackio", reason="trackio is not installed (extra trackio)")
    follow("harness_plugins.trackers.trackio", tmp_path / "study", cell)
    from trackio.sqlite_storage import SQLiteStorage

    logs = SQLiteStorage.get_logs("study", cell.id)
    assert [(row["step"], row["train/hack"]) for row in logs if "train/hack" in row] == [(1, 0.0), (2, 0.5)]
    (last,) = [row for row in logs if "unscored" in row]
    assert last["share/proxy_only"] == pytest.approx(1 / 3)
    assert SQLiteStorage.get_run_config("study", cell.id)["trainer"] == "vanilla"


def test_wandb_has_the_curve_and_the_result_offline(cell, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="wandb is not installed (extra wandb)")
    for name, value in {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "WANDB_SILENT": "true"}.items():
        monkeypatch.setenv(name, value)
    follow("harness_plugins.trackers.wandb", tmp_path / "study", cell)
    wandb.teardown()  # as at a process's end: what is under way is written
    rows = [row for file in sorted(tmp_path.glob("wandb/offline-run-*/run-*.wandb")) for row in logged_offline(file)]
    assert [row["train/hack"] for row in rows if "train/hack" in row] == [0.0, 0.5]
    (last,) = [row for row in rows if "unscored" in row]
    assert last["share/proxy_only"] == pytest.approx(1 / 3)


def logged_offline(file: Path) -> Iterator[dict]:
    """What was logged to a file that `wandb sync` reads: after 7 bytes, blocks of 32 KiB with records as LevelDB's log has."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, whole = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)  # behind a checksum
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            record = Record()
            record.ParseFromString(whole)
            whole = b""
            if record.HasField("history"):
                yield {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in record.history.item}


def test_a_tracker_that_is_not_there_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(HarnessError, match=r"pip install 'goodhart-harness\[mlflow\]'"):
        harness.plan(tasks="goodhart7", plugins="harness_plugins.trackers.mlflow")
    with pytest.raises(HarnessError, match="no plugin 'mlflwo'"):
        harness.plan(tasks="goodhart7", plugins="mlflwo")
