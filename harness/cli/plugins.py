"""`harness plugins`: what was found, in which distribution, with which hooks, and why something is broken."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options
from harness.registry.conflicts import conflicts


def plugins(
    context: typer.Context,
    json: o.Json = False,
    trace: Annotated[bool, typer.Option(help="Print the tracebacks of broken plugins.")] = False,
) -> None:
    found = global_options(context).plugins
    found.build_params()
    disputed = conflicts(found)
    if json:
        rows = [
            {
                **status.model_dump(exclude={"trace"}),
                "state": status.state,
                "conflicts": [one.name for one in disputed if status.name in one.owners],
            }
            for status in found.statuses
        ]
        print(json_module.dumps(rows, indent=1))
        return
    table = plain_table("plugin", "distribution", "version", "state", "hooks or cause")
    for status in found.statuses:
        hooks = ", ".join(hook.removeprefix("harness_") for hook in status.hooks)
        table.add_row(status.name, status.distribution, status.version, status.state, status.error or hooks)
    stdout_console().print(table, markup=False)
    for conflict in disputed:
        print(f"conflict: {conflict}")
    if trace:
        for status in found.broken:
            print(f"\n{status.name}\n{status.trace}")
