"""`harness sensitivity`: which layers break knowing, which break doing?"""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.errors import plural
from harness.planning.experiment import Experiment, split_names


@o.takes_experiment
def sensitivity(
    context: typer.Context,
    experiment: Experiment,
    unit: Annotated[str, typer.Option(help="What is compressed or not: block or linear.")] = "block",
    design: Annotated[
        str,
        typer.Option(
            help="Comma list of factorial, half-factorial, add-one, restore-one; the first decides the plan file."
        ),
    ] = "factorial",
    out: o.Out = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and what it can show, and stop.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Workers at a time.", min=1)] = 1,
) -> None:
    from harness.api.launch import Workers
    from harness.api.sensitivity import carry_out_screen, prepare_screen

    options = global_options(context)
    made = prepare_screen(experiment, options, unit, split_names(design), out, Workers(jobs=jobs))
    cells = made.launch.plan.cells
    asked = sum(cell.scored + cell.generations for cell in cells)
    print(
        f"{plural(len(made.screen.runs), 'run')} and the untouched model, {plural(asked, 'text')} to score or generate"
    )
    for line in made.power:
        print(line)
    if dry_run:
        return
    command = shlex.join(["harness", *sys.argv[1:]])
    try:
        failed, line = carry_out_screen(made, command)
    except KeyboardInterrupt:
        print(f"interrupted; everything sampled so far is kept. Resume with:\n  {command}", file=sys.stderr)
        raise typer.Exit(130) from None
    print(line)
    if failed:
        print(f"{plural(failed, 'cell')} failed: harness show {made.launch.store.folder}", file=sys.stderr)
        raise typer.Exit(1)
    print(f"table, heat map and plan file: {made.launch.store.folder}/sensitivity.{{md,svg,json}}")
