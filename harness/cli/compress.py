"""`harness compress`: one artefact, outside a run. The same command resumes after a kill."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import JsonValue

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options

if TYPE_CHECKING:
    from harness.registry.catalogue import Catalogue
    from harness.registry.component import Component


def compress(
    context: typer.Context,
    compressor: Annotated[str, typer.Option("--compressor", "-c", help="See `harness list compressors`.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Registry entry, folder, .gguf or hub id.")] = None,
    bpw: Annotated[float | None, typer.Option(help="Bits per weight of the Linears, for `budget`.")] = None,
    size: Annotated[str | None, typer.Option(help="Bytes of all weight files instead, such as 2GB or 3.2MB.")] = None,
    calibration: Annotated[str | None, typer.Option(help="self, a text or JSONL file, datasets:NAME.")] = None,
    sequences: Annotated[int, typer.Option(help="Calibration sequences.", min=1)] = 128,
    length: Annotated[int, typer.Option(help="Maximum tokens per sequence.", min=2)] = 512,
    calibration_seed: Annotated[int, typer.Option(help="Which sequences are drawn.", min=0)] = 0,
    min_score: Annotated[float | None, typer.Option(help="Leave out JSONL rows with a lower score.")] = None,
    weighted: Annotated[bool, typer.Option("--weighted", help="Weight JSONL rows by their score.")] = False,
    original: Annotated[
        bool, typer.Option("--original-activations", help="Calibrate on the original model, not the compressed prefix.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Estimate time, memory and disk from a dry run of one block, then stop.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder (default: artefacts/MODEL--NAME).")] = None,
    params: o.Param = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N.")] = "auto",
) -> None:
    from harness.compression.calibration import CalibrationSource
    from harness.compression.make import make_artefact
    from harness.errors import UsageError
    from harness.planning.devices import resolve_device
    from harness.planning.sizes import size_of
    from harness.registry.sources import locate_model, model_shape
    from harness.screen.progress import stage_progress

    catalogue = global_options(context).catalogue
    name = model or catalogue.default_model
    if name is None:
        raise UsageError("no model given", "add --model PATH_OR_HUB_ID")
    target: dict[str, JsonValue] = {key: value for key, value in (("bpw", bpw), ("size", size)) if value is not None}
    component = _component(catalogue, compressor, params or [], target)
    source = locate_model(name, catalogue, streamed=True)
    wanted = CalibrationSource(
        source=calibration or source.calibration,
        sequences=sequences,
        length=length,
        seed=calibration_seed,
        sequential=not original,
        min_score=min_score,
        weighted=weighted,
    )
    out = out or _default_folder(name, compressor, *target.values())
    console = stdout_console(soft_wrap=True, highlight=False, markup=False)
    planned = size_of(component, model_shape(source), catalogue)
    most = f", at most {planned.max_bytes:,} bytes" if planned.max_bytes else ""
    console.print(f"plan: {planned.replaced}/{planned.linears} Linears in {planned.described} bits a weight{most}")
    if estimate:
        from harness.compression.estimate import estimate as measure

        plugin = catalogue.build(component)
        console.print(
            f"estimate: {measure(Path(source.path), plugin, wanted, device=resolve_device(device)).described}"
        )
        return
    with stage_progress() as progress:
        made = make_artefact(
            Path(source.path), catalogue.build(component), wanted, out, device=resolve_device(device), progress=progress
        )
    stored = made.size
    console.print(
        f"{out}: {stored.replaced}/{stored.linears} Linears in {stored.bits_per_weight:.3f} bits a weight, "
        f"{stored.bytes:,} bytes, {made.seconds:.1f} s"
        + (f", {made.resumed} resumed" if made.resumed else "")
        + (f", {made.dead_columns} dead columns damped" if made.dead_columns else ""),
    )


def _default_folder(*parts: JsonValue) -> Path:
    return Path("artefacts") / "--".join(re.sub(r"[^\w.@+-]+", "-", str(part)).strip("-.") for part in parts)


def _component(catalogue: Catalogue, label: str, params: list[str], target: dict[str, JsonValue]) -> Component:
    """The compressor with -P, --bpw and --size, each of which must have met a parameter."""
    from harness.errors import UsageError
    from harness.planning.experiment import parse_overrides

    overrides = parse_overrides(params)
    if len(target) > 1:
        raise UsageError("--bpw and --size are two names for one budget", "give one of them")
    if target:
        taken = catalogue.parameters("compressors", label)
        if missing := sorted(target.keys() - taken):
            raise UsageError(f"{label} takes no --{missing[0]}", "the compressor `budget` takes it")
        overrides[label] = {**overrides.get(label, {}), **target}
    component = catalogue.arms("compressors", label, overrides)[0]
    known = {one.label for one in component.chain} | {component.draw_of}
    if unused := sorted(overrides.keys() - known):
        raise UsageError(f"-P names {unused[0]!r}, which is not the --compressor")
    if component.untouched:
        raise UsageError(f"{label!r} compresses nothing", "`harness list compressors` names those that compress")
    return component
