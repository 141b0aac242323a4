"""`harness published`: other people's tables, printed by the code that prints our own, and what they do not support."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options


def published(
    context: typer.Context,
    tasks: Annotated[str, typer.Argument(help="The suite they were measured on, e.g. goodhart7.")],
    file: Annotated[
        Path | None, typer.Option(help="A TOML of aggregates (default: the suite's published.toml).")
    ] = None,
    json: o.Json = False,
) -> None:
    from harness.cli.console import stdout_console
    from harness.contract import TaskSuiteSpec
    from harness.report.build import build
    from harness.report.published import published_data
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal

    catalogue = global_options(context).catalogue
    component = catalogue.resolve("tasks", tasks)
    axes = {}
    for name in catalogue.presets["tasks"]:
        spec, _ = catalogue.spec("tasks", catalogue.preset("tasks", name).plugin)
        if isinstance(spec, TaskSuiteSpec) and spec.axes is not None:
            axes[name] = spec.axes
    path = file or plugin_file(component.target, "published.toml")
    report = build(published_data(f"published · {tasks}", path, axes))
    if json:
        print(json_module.dumps(to_json(report), indent=1))
    else:
        render_terminal(report, stdout_console())


def plugin_file(target: str, name: str) -> Path:
    """A file that lies beside a plugin's module; the module is found, not imported."""
    import importlib.util

    found = importlib.util.find_spec(target.partition(":")[0])
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name(name)
