"""`harness verify`: every tensor of an artefact against the digests it was written with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Artefact = Annotated[Path, typer.Argument(metavar="ARTEFACT", help="Folder of a compressed model.")]


def verify(artefact: Artefact) -> None:
    from harness.checkpoints.manifest import verify as check

    manifest = check(artefact)
    print(f"{artefact}: complete, {len(manifest.tensors)} tensors as they were written")
