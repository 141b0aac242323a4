"""`harness gate`: yes, no or not enough items, for pipelines."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options

Conditions = Annotated[
    list[str],
    typer.Argument(metavar='"SUITE.MEASURE >= base - 0.05"…', help="Each has to hold at its interval's bound."),
]


def gate(
    context: typer.Context,
    run: o.RunFolder,
    conditions: Conditions,
    arm: Annotated[list[str] | None, typer.Option(help="Only for this arm; may be repeated.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the verdicts as JUnit XML.")] = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='Append them as Markdown, in a GitHub action to "$GITHUB_STEP_SUMMARY".'),
    ] = None,
    json: o.Json = False,
    wide: o.Wide = False,
) -> None:
    """Exit code 0: every condition holds for every arm that is compared with a base; 1: one fails; 3: none fails, and one
    needs more items."""
    from harness.report.collect import collect
    from harness.report.gate import exit_code, gate_table, judge
    from harness.report.gate_files import as_json, as_junit, as_markdown
    from harness.report.terminal import print_table
    from harness.store.files import write_text
    from harness.store.run import RunStore

    judged = judge(collect(RunStore(run), global_options(context).catalogue), conditions, arm or [])
    if junit:
        write_text(junit, as_junit(judged, str(run)))
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write(as_markdown(judged, str(run)))
    if json:
        print(json_module.dumps(as_json(judged), indent=1))
    else:
        print_table(gate_table(judged), stdout_console(), wide)
    raise typer.Exit(exit_code(judged))
