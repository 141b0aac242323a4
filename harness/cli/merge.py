"""`harness merge`: run folders of one plan become one, and are reported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.errors import plural

NAMED = 5  # missing cells that are named


def merge(
    context: typer.Context,
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders of shards of one plan.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder that they are merged into.")],
    json: o.Json = False,
) -> None:
    from harness.cli.report import publish
    from harness.running.merging import merge as merged_into
    from harness.store.run import RunStore

    store = RunStore(out)
    with store.lock():
        done = merged_into([RunStore(run) for run in runs], store)
        print(f"{plural(len(done.copied), 'cell')} copied to {out}", file=sys.stderr)
        publish(store, global_options(context), json)
    if done.missing:
        named = ", ".join(done.missing[:NAMED]) + (", …" if len(done.missing) > NAMED else "")
        print(f"{plural(len(done.missing), 'cell')} missing: {named}", file=sys.stderr)
        raise typer.Exit(1)
