"""`harness export`: an artefact in formats that stock tools load."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.verify import Artefact
from harness.errors import UsageError


class Format(StrEnum):
    DENSE = "dense"
    COMPRESSED_TENSORS = "compressed-tensors"


class AdapterType(StrEnum):
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def export(
    artefact: Artefact,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    format: Annotated[Format, typer.Option(help="compressed-tensors needs goodhart-harness[export].")] = Format.DENSE,
    adapter_dtype: Annotated[
        AdapterType, typer.Option(help="Of L and R (float32 is exact); only for compressed-tensors.")
    ] = AdapterType.FLOAT32,
) -> None:
    if format is Format.DENSE and adapter_dtype is not AdapterType.FLOAT32:
        raise UsageError(
            "a dense export has no adapter", "leave --adapter-dtype out, or add --format compressed-tensors"
        )
    import torch

    from harness.compression.export import export_compressed_tensors, export_dense

    if format is Format.DENSE:
        exported = export_dense(artefact, out)
    else:
        exported = export_compressed_tensors(artefact, out, getattr(torch, adapter_dtype))
    print(f"{out}: {format} export of {artefact}")
    if exported.unchecked:
        print(f"not loaded back and compared: {exported.unchecked}")
    if exported.split:
        print(f"{len(exported.split)} groups that servers fuse do not share one scheme, such as {exported.split[0]}")
