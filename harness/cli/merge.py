"""`harness merge`: run folders of one plan become one, and are reported."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.errors import HarnessError, plural
from harness.store.locks import LOCK

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
    with _nothing_left_behind(out), store.lock():
        done = merged_into([RunStore(run) for run in runs], store)
        print(f"{plural(len(done.copied), 'cell')} copied to {out}", file=sys.stderr)
        publish(store, global_options(context), json)
    if done.missing:
        named = ", ".join(done.missing[:NAMED]) + (", …" if len(done.missing) > NAMED else "")
        print(f"{plural(len(done.missing), 'cell')} missing: {named}", file=sys.stderr)
        raise typer.Exit(1)


@contextlib.contextmanager
def _nothing_left_behind(folder: Path) -> Iterator[None]:
    """A merge that is refused takes a folder that it made for nothing away again."""
    was_there = folder.exists()
    try:
        yield
    except HarnessError:
        if not was_there:
            with contextlib.suppress(OSError):  # cells were copied into it
                (folder / LOCK).unlink()
                folder.rmdir()
        raise
