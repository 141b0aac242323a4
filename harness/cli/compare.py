"""`harness compare`: two runs, arm by arm, paired by item."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options


def compare(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="The run that is compared with.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="The run that is compared.")],
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Runs that asked other questions.")] = False,
    json: o.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown on stdout.")] = False,
    wide: o.Wide = False,
) -> None:
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal
    from harness.report.two_runs import Side, beside
    from harness.report.two_runs_tables import compared
    from harness.store.run import RunStore

    catalogue = global_options(context).catalogue
    before, now = (Side.of(RunStore(folder), catalogue) for folder in (first, second))
    report = compared(beside(before, now, catalogue, paired=not unpaired))
    if json:
        print(json_module.dumps(to_json(report), indent=1))
    elif markdown:
        print(render_markdown(report))
    else:
        render_terminal(report, stdout_console(), wide=wide)
