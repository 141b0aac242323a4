"""`harness describe`: what a name stands for."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from harness.cli import completion
from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options

LONGEST = 600  # characters of a prompt


def describe(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="A preset, plugin or model, as `harness list` names them; NAME@VALUE too.",
            autocompletion=completion.names("compressors", "tasks", "trainers", "detectors", "models"),
        ),
    ],
    json: o.Json = False,
    wide: o.Wide = False,
) -> None:
    from harness.registry.description import describe as described

    found = described(global_options(context).catalogue, name)
    if json:
        print(json_module.dumps(found, indent=1))
        return
    for one in found:
        _print(one, wide)


def _print(described: dict[str, Any], wide: bool) -> None:
    from harness.report.table import Column, Table, text_cell
    from harness.report.terminal import print_table

    console = stdout_console()
    console.print(f"{described['name']} · {described['kind']}", style="bold", markup=False, highlight=False)
    console.print(described["summary"], markup=False, highlight=False)
    facts = plain_table("", "")
    facts.show_header = False
    for name, value in described.items():
        if isinstance(value, str) and value and name not in ("name", "kind", "summary"):
            facts.add_row(name, value)
    console.print(facts, markup=False)
    if rows := described["parameters"]:
        columns = (
            Column("name", "parameter"),
            Column("value", "value", "left", -1),
            Column("default", "default", "left", 2),
            Column("type", "type", "left", 1),
        )
        lines = tuple(
            (
                text_cell(row["name"]),
                *(text_cell(_short(row[key])) for key in ("value", "default")),
                text_cell(row["type"]),
            )
            for row in rows
        )
        print()
        print_table(Table("parameters", "", columns, lines), console, wide)
    if example := described.get("example"):
        print()
        console.print(
            f"first item: {example['item']} ({example['family']})", style="bold", markup=False, highlight=False
        )
        before: list[str] = []
        for prompt in example["prompts"]:
            console.print(f"▸ {prompt['role']}", style="bold", markup=False, highlight=False)
            console.print(_cut(prompt["text"]), markup=False, highlight=False)
            same = prompt["continuations"] == before and before
            for continuation in [f"the same {len(before)}"] if same else prompt["continuations"]:
                console.print(f"  or: {_cut(continuation)}", style="dim", markup=False, highlight=False)
            before = prompt["continuations"]
    print()


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"
