"""`harness export`: an artefact in formats that stock tools load."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.verify import Artefact


class Format(StrEnum):
    DENSE = "dense"
    COMPRESSED_TENSORS = "compressed-tensors"


def add_to(app: typer.Typer) -> None:
    app.command("export", help="Write an artefact as dense weights, or as compressed-tensors plus a LoRA adapter.")(
        export
    )


def export(
    artefact: Artefact,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    format: Annotated[Format, typer.Option(help="compressed-tensors needs goodhart-harness[export].")] = Format.DENSE,
) -> None:
    from harness.models.export import export_compressed_tensors, export_dense

    (export_dense if format is Format.DENSE else export_compressed_tensors)(artefact, out)
    print(f"{out}: {format} export of {artefact}")
