"""`harness report`: the tables of a run, from what is stored."""

from __future__ import annotations

import json as json_module
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.errors import plural

if TYPE_CHECKING:
    from harness.planning.cells import Plan
    from harness.registry.name_sources import NameSources
    from harness.report.table import Report
    from harness.store.run import RunStore


NAMED = 3  # arms


def report(
    context: typer.Context,
    run: o.RunFolder,
    json: o.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown on stdout.")] = False,
    full: Annotated[bool, typer.Option(help="All tables on the terminal: per family, transitions.")] = False,
    wide: o.Wide = False,
    freeze_detectors: o.FreezeDetectors = None,
) -> None:
    from harness.store.run import RunStore

    store = RunStore(run)
    publish(
        store,
        global_options(context),
        json,
        markdown,
        full,
        wide,
        RunStore(freeze_detectors) if freeze_detectors else None,
    )
    if not json and not markdown:
        print(f"\nreport: {report_page(store)}; transcripts: harness show {shlex.quote(str(store.folder))}")


def report_page(store: RunStore) -> Path:
    return store.folder / "report" / "report.html"


def closing(report: Report, store: RunStore, plan: Plan, failed: int, command: str) -> None:
    """The last lines of a run: what came out, where it is, what to do next."""
    done = len(plan.cells) - failed
    folder = shlex.quote(str(store.folder))
    print(f"\nresult: {done} of {plural(len(plan.cells), 'cell')} scored{headline(report)}")
    print(f"where:  {report_page(store)} (beside it report.md, results.json and plots)")
    if failed:
        print(f"next:   harness show {folder} names the causes; the same command goes on: {command}")
    else:
        print(f"next:   harness show {folder} --limit 3 for replies; harness report {folder} --full for every table")


def headline(report: Report) -> str:
    """What stands out: each arm that differs from its base, in a few words."""
    from harness.report.headline_table import differing

    said = [line for section in report.sections for line in differing(section)]
    more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return f"; {'; '.join(said[:NAMED])}{more}" if said else ""


def publish(
    store: RunStore,
    options: NameSources,
    json: bool = False,
    markdown: bool = False,
    full: bool = False,
    wide: bool = False,
    frozen_in: RunStore | None = None,
) -> Report:
    """Build the report, write its files, and print it."""
    from harness.report.files import write_report

    made = write_report(store, options.catalogue, frozen_in)
    print_report(made, json, markdown, full, wide)
    return made


def print_report(
    made: Report, json: bool = False, markdown: bool = False, full: bool = False, wide: bool = False
) -> None:
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal

    if json:
        print(json_module.dumps(to_json(made), indent=1))
    elif markdown:
        print(render_markdown(made))
    else:
        render_terminal(made, stdout_console(), full, wide)
