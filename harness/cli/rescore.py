"""`harness rescore`: grade and detect again from the stored replies; nothing is sampled."""

from __future__ import annotations

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.screen.console import stderr_console


def rescore(
    context: typer.Context,
    run: o.RunFolder,
    grader: o.Grader = None,
    detectors: o.Detectors = None,
    params: o.Param = None,
    json: o.Json = False,
) -> None:

    from harness.cli.report import publish
    from harness.planning.experiment import parse_overrides, split_names
    from harness.running.regrade import regrade
    from harness.store.run import RunStore

    options = global_options(context)
    store = RunStore(run)
    flags = {"grader": grader} if grader else {}
    names = split_names(",".join(detectors)) if detectors else None
    store.read_plan()  # before the lock makes a folder of a mistyped name
    with store.lock():
        for change in regrade(store, options.catalogue, flags, parse_overrides(params or []), names):
            stderr_console().print(change, markup=False, highlight=False)
        publish(store, options, json)
