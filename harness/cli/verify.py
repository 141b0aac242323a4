"""`harness verify`: every tensor of an artefact against the digests it was written with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Artefact = Annotated[Path, typer.Argument(metavar="ARTEFACT", help="Folder of a compressed model.")]


def add_to(app: typer.Typer) -> None:
    app.command("verify", help="Check every tensor of an artefact; names the first that is missing or altered.")(verify)


def verify(artefact: Artefact) -> None:
    from harness.checkpoints.manifest import verify as check

    manifest = check(artefact)
    print(f"{artefact}: complete, {len(manifest.tensors)} tensors as they were written")
