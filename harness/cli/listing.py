"""`harness list`: every name that can be selected."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options
from harness.contract import Spec
from harness.errors import UsageError
from harness.registry.catalogue import SINGULAR, Catalogue
from harness.registry.component import NONE, install_command, missing_dependencies

KINDS = (*SINGULAR, "models", "maps")


def list_names(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help="One of " + ", ".join(KINDS))] = None,
    json: o.Json = False,
) -> None:
    if kind is not None and kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", f"one of {', '.join(KINDS)}")
    catalogue = global_options(context).catalogue
    rows = {name: _rows(catalogue, name) for name in KINDS if kind in (None, name)}
    if json:
        print(json_module.dumps(rows, indent=1))
        return
    for name, entries in rows.items():
        table = plain_table(name, "")
        for entry in entries:
            table.add_row(
                entry["name"], entry["summary"] + (f" (unavailable: {entry['missing']})" if entry["missing"] else "")
            )
        stdout_console().print(table, markup=False)
        print()
    print("harness describe NAME: its parameters, what it needs, and of a task suite an item as it is asked")


def _rows(catalogue: Catalogue, kind: str) -> list[dict[str, str]]:
    if kind == "models":
        return [
            {
                "name": name,
                "summary": model.summary or model.path,
                "plugin": "",
                "missing": f"{model.missing} not installed; {model.install}" if model.missing else "",
            }
            for name, model in sorted(catalogue.models.items())
        ]
    if kind == "maps":
        return [
            {"name": name, "summary": found.summary, "plugin": "", "missing": ""}
            for name, found in sorted(catalogue.maps.items())
        ]
    rows = []
    for name, presets in sorted(catalogue.presets[kind].items()):
        preset = presets[0]
        owners = catalogue.plugins.specs[kind].get(preset.plugin, [])
        missing = "" if preset.plugin == NONE else _missing(owners[0][0]) if owners else f"no plugin {preset.plugin!r}"
        summary = preset.summary or (owners[0][0].summary if owners else "")
        rows.append({"name": name, "summary": summary, "plugin": preset.plugin, "missing": missing})
    return rows


def _missing(spec: Spec) -> str:
    names = missing_dependencies(spec)
    return f"{', '.join(names)} not installed; {install_command(spec)}" if names else ""
