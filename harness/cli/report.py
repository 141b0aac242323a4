"""`harness report`: the tables of a run, from what is stored."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.context import Doors, doors_of
from harness.cli.screen import screen

if TYPE_CHECKING:
    from harness.store import RunStore


def add_to(app: typer.Typer) -> None:
    app.command("report", help="The tables of a run, from what is stored.")(report)


def report(
    context: typer.Context,
    run: o.RunFolder,
    json: o.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown on stdout.")] = False,
) -> None:
    from harness.store import RunStore

    publish(RunStore(run), doors_of(context), json, markdown)


def publish(store: RunStore, doors: Doors, json: bool = False, markdown: bool = False) -> None:
    """Build the report, write its files and print it."""

    from harness.report.build import build
    from harness.report.collect import collect
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal
    from harness.store import write_json, write_text

    made = build(collect(store, doors.catalogue))
    text = render_markdown(made)
    results = to_json(made)
    write_text(store.folder / "report" / "report.md", text)
    write_json(store.folder / "report" / "results.json", results)
    if json:
        print(json_module.dumps(results, indent=1))
    elif markdown:
        print(text)
    else:
        render_terminal(made, screen())
