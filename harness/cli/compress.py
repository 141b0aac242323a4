"""`harness compress`: one artefact, outside a run. The same command resumes after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli import options as o
from harness.cli.context import doors_of


def add_to(app: typer.Typer) -> None:
    app.command("compress", help="Compress a model into an artefact; the same command resumes.")(compress)


def compress(
    context: typer.Context,
    compressor: Annotated[str, typer.Option("--compressor", "-c", help="See `harness list compressors`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the artefact.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Registry entry, folder or hub id.")] = None,
    calibration: Annotated[str | None, typer.Option(help="self, a text file or a JSONL file.")] = None,
    sequences: Annotated[int, typer.Option(help="Calibration sequences.", min=1)] = 128,
    params: o.Param = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N.")] = "auto",
) -> None:
    from harness.compression.calibration import CalibrationSource
    from harness.compression.driver import compress as make
    from harness.devices import resolve_device
    from harness.display import stage_progress
    from harness.errors import UsageError
    from harness.experiment import parse_overrides
    from harness.registry.catalogue import build
    from harness.sources import locate_model

    catalogue = doors_of(context).catalogue
    name = model or catalogue.default_model
    if name is None:
        raise UsageError("no model given", "add --model PATH_OR_HUB_ID")
    source = locate_model(name, catalogue)
    overrides = parse_overrides(params or [])
    component = catalogue.resolve("compressors", compressor, overrides.pop(compressor, None))
    if overrides or component.untouched:
        raise UsageError(f"nothing to do with {next(iter(overrides), compressor)!r}", "-P must name the --compressor")
    wanted = CalibrationSource(source=calibration or source.calibration, sequences=sequences)
    plugin = build(component, catalogue.spec("compressors", component.plugin)[0])
    with stage_progress() as progress:
        made = make(Path(source.path), plugin, wanted, out, device=resolve_device(device), progress=progress)
    size = made.size
    Console(soft_wrap=True).print(
        f"{out}: {size.replaced}/{size.linears} Linears in {size.bits_per_weight:.3f} bits a weight, {size.bytes:,} bytes, "
        f"{made.seconds:.1f} s"
        + (f", {made.resumed} resumed" if made.resumed else "")
        + (f", {made.dead_columns} dead columns damped" if made.dead_columns else ""),
        markup=False,
        highlight=False,
    )
