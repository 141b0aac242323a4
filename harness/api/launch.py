"""Run an experiment, from the command line and from Python alike: plan, do what is missing, report."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.api.planned import planned
from harness.errors import UsageError, plural
from harness.planning.cells import Plan
from harness.planning.experiment import Experiment
from harness.planning.shards import Shard
from harness.registry.name_sources import NameSources
from harness.report.files import write_report
from harness.report.frozen import refuse_foreign
from harness.report.table import Report
from harness.running.driver import drive, environment, left_out, superseded
from harness.running.executors import Executor
from harness.running.executors.messages import WorkerSetup
from harness.running.remote_run import RemoteRun
from harness.screen.progress import display
from harness.store.remote import STORE, Remote
from harness.store.run import RunStore

WHOLE = Shard(1, 1)


@dataclass(frozen=True)
class Workers:
    """Where cells run, and how many at a time."""

    executor: str = "local"
    jobs: int | None = None  # None: one on this machine, as many as there is room for on a cluster
    silence: float = 1800.0  # seconds without a sign of life before a worker is killed
    ray_address: str | None = None  # None: RAY_ADDRESS, else a cluster on this machine


@dataclass(frozen=True)
class Launch:
    """A run that nothing speaks against, not begun."""

    plan: Plan
    store: RunStore
    names: NameSources
    runner: Executor
    frozen_in: RunStore | None = None  # the run whose arms set the detectors' thresholds in the report


@dataclass(frozen=True)
class Ran:
    """How a run ended: the state of every cell that it had, and the report, which a shard does not make."""

    states: dict[str, str]
    report: Report | None

    @property
    def failed(self) -> int:
        return sum(state != "done" for state in self.states.values())


def prepare(
    experiment: Experiment,
    names: NameSources,
    out: Path | None = None,
    workers: Workers = Workers(),
    frozen_in: Path | None = None,
) -> Launch:
    """The plan, its folder and its executor. Raises HarnessError for whatever cannot run, and for thresholds frozen in a
    run of another suite or another family of models."""
    plan, store = planned(experiment, names.catalogue, out)
    source = RunStore(frozen_in) if frozen_in else None
    if source:
        refuse_foreign(Plan.of(source), plan, source.folder)
    return Launch(plan, store, names, _executor(workers, names, store), source)


def carry_out(
    launch: Launch,
    shard: Shard = WHOLE,
    command: str | None = None,
    remote: str | None = None,
    reported: bool = True,
) -> Ran:
    """Run what is not done yet, and write the report. A cell that fails stays in the tables, with its cause. `command` is
    what repeats the run (None: what this process was called by), `remote` the URL of a store that the run shares;
    `reported`: whether the report is written, which takes long for many arms.

    Raises:
        HarnessError: another run writes to the folder, or the store does not answer.
        KeyboardInterrupt: what was sampled is kept; the same call resumes.
    """
    plan, store, names = launch.plan, launch.store, launch.names
    made = {**environment(), "command": command} if command else None
    far = [_remote_run(remote, store)] if remote else []
    with store.lock():
        for each in far:
            each.pull(plan)
        _say_what_stays(plan, store)
        cells = shard.cells(plan)
        with display(len(cells)) as progress:
            states = drive(plan, store, launch.runner, names.plugins, [progress, *far], cells, made)
        report = write_report(store, names.catalogue, launch.frozen_in) if reported and shard.of == 1 else None
        for each in far:
            each.push()
    return Ran(states, report)


def _say_what_stays(plan: Plan, store: RunStore) -> None:
    """Cells of the folder that this run does not go on with."""
    earlier = superseded(plan, store)
    if earlier:
        print(
            f"{plural(len(earlier), 'cell')} of this folder sampled by other code, "
            "libraries, settings or weights: the replies are kept, and the same questions are asked anew",
            file=sys.stderr,
        )
    if others := left_out(plan, store).keys() - set(earlier):
        print(
            f"{plural(len(others), 'cell')} of this folder not selected: kept, and left out of the report",
            file=sys.stderr,
        )


def _remote_run(url: str, store: RunStore) -> RemoteRun:
    """The run folder in the store that this run and its workers share. Raises UsageError if the store does not answer."""
    shared = Remote(url)
    shared.check()
    os.environ[STORE] = url
    return RemoteRun(shared, store)


def _executor(workers: Workers, names: NameSources, store: RunStore) -> Executor:
    """The named executor, ready to take cells."""
    known = names.plugins.executors()
    if workers.executor not in known:
        raise UsageError(f"unknown executor {workers.executor!r}", f"one of {', '.join(sorted(known))}")
    if workers.ray_address:
        os.environ["RAY_ADDRESS"] = workers.ray_address  # where Ray itself looks
    module, _, attribute = known[workers.executor].partition(":")
    setup = WorkerSetup(
        run=str(store.folder.resolve()),
        plugins_dirs=tuple(str(path.resolve()) for path in names.plugins_dirs),
        disabled=names.disabled,
        requested=names.requested,
        registries=tuple(str(path.resolve()) for path in names.project_registries),
    )
    return getattr(importlib.import_module(module), attribute)(setup, slots=workers.jobs, silence=workers.silence)
