"""Cells as MLflow runs, in an experiment that bears the run folder's name: `harness -p mlflow run …`, then `mlflow ui`.

Where they are written is MLflow's own setting (MLFLOW_TRACKING_URI). The id of a cell's MLflow run lies in its folder, so that
worker and driver, and a run that is resumed, write to one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from harness.contract.hooks import hookimpl
from harness.store.files import write_text
from harness.store.run import RunStore
from harness_plugins.trackers.tracked import results, scalars, settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from harness.planning.cells import Cell

ID_FILE = "mlflow-run"
LONGEST = 500  # characters of a parameter's value


requires = ("mlflow",)
extra = "mlflow"


@hookimpl
def harness_training_row(run: Path, cell: Cell, row: dict[str, JsonValue]) -> None:
    step = row.get("step")
    if isinstance(step, int):
        client, run_id = _tracked(run, cell)
        _log(client, run_id, dict(scalars(row)), step)


@hookimpl
def harness_cell_end(run: Path, cell: Cell, state: str, error: str | None) -> None:
    client, run_id = _tracked(run, cell)
    _log(client, run_id, results(run, cell), 0)
    if error:
        client.set_tag(run_id, "harness.error", error)
    client.set_terminated(run_id, "FINISHED" if state == "done" else "FAILED")


def _log(client: MlflowClient, run_id: str, values: dict[str, float], step: int) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    client.log_batch(run_id, metrics=[Metric(name, value, now, step) for name, value in values.items()])


def _tracked(run: Path, cell: Cell) -> tuple[MlflowClient, str]:
    """The cell's MLflow run, begun if the store that MLflow is set to does not have it."""
    from mlflow import MlflowClient
    from mlflow.entities import Param
    from mlflow.exceptions import MlflowException

    client, file = MlflowClient(), RunStore(run).cell(cell.id).folder / ID_FILE
    if file.is_file():
        try:
            return client, client.get_run(file.read_text().strip()).info.run_id
        except MlflowException:  # of another store
            pass
    name = run.resolve().name
    experiment = client.get_experiment_by_name(name)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(name)
    tags = {"mlflow.runName": cell.id, "harness.cell": cell.id, "harness.run": str(run.resolve())}
    made = client.create_run(experiment_id, tags=tags).info.run_id
    params = [Param(key, str(value)[:LONGEST]) for key, value in settings(cell).items()]
    client.log_batch(made, params=params)
    write_text(file, made)
    return client, made
