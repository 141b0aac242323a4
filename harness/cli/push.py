"""`harness push` and `harness pull`: a run folder to a store and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.cache import size_text
from harness.errors import plural

if TYPE_CHECKING:
    from harness.store.remote import Transfer

Url = Annotated[str, typer.Argument(metavar="URL", help="A store: s3://BUCKET/PREFIX, gs://…, file:///FOLDER.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be moved, and move nothing.")]


def push(run: o.RunFolder, url: Url, dry_run: DryRun = False) -> None:
    from harness.running.remote_run import RemoteRun
    from harness.store.remote import Remote
    from harness.store.run import RunStore

    remote = Remote(url)
    remote.check()
    moved = RemoteRun(remote, RunStore(run)).push(dry_run)
    print(said(moved, "would push" if dry_run else "pushed", f"{run} to {url}"))


def pull(
    url: Url,
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The run folder to fill; its last part is the run's name.")
    ],
    dry_run: DryRun = False,
) -> None:
    from harness.running.remote_run import RemoteRun
    from harness.store.remote import Remote
    from harness.store.run import RunStore

    remote, store = Remote(url), RunStore(run)
    remote.check()
    with store.lock():
        moved = RemoteRun(remote, store).pull_whole(dry_run)
    print(said(moved, "would pull" if dry_run else "pulled", f"{url} to {run}"))


def said(moved: Transfer, verb: str, what: str) -> str:
    again = f"; {plural(moved.retries, 'request')} made again" if moved.retries else ""
    return f"{verb} {plural(moved.files, 'file')}, {size_text(moved.bytes)}: {what}{again}"
