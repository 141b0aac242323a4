"""`harness run`: make the plan, do what is missing, report."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.errors import plural
from harness.planning.experiment import Experiment


@o.takes_experiment
def run(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
    wide: o.Wide = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Refuse or plan as a run would, and stop there.")] = False,
    executor: Annotated[str, typer.Option(help="Where cells run: local, ray, or what a plugin brings.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", envvar="RAY_ADDRESS", help="The cluster of --executor ray.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Workers at a time (default: 1; on a cluster as many as fit).", min=1)
    ] = None,
    silence: Annotated[float, typer.Option(help="Seconds without a sign of life before a worker is killed.")] = 1800.0,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only part I of N of the cells; `harness merge` joins the parts.")
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="URL", envvar="HARNESS_STORE", help="Shares models and replies: s3://, gs://, file://."
        ),
    ] = None,
    freeze_detectors: o.FreezeDetectors = None,
) -> None:
    from harness.api.launch import WHOLE, Workers, carry_out, prepare
    from harness.cli.report import closing, print_report
    from harness.planning.shards import Shard

    options = global_options(context)
    part = Shard.parse(shard) if shard else WHOLE
    launch = prepare(experiment, options, out, Workers(executor, jobs, silence, ray_address), freeze_detectors)
    if dry_run:
        from harness.cli.plan import describe

        describe(launch.plan, launch.store, options.catalogue, json, wide)
        return
    command = shlex.join(["harness", *sys.argv[1:]])
    try:
        ran = carry_out(launch, part, remote=remote)
    except KeyboardInterrupt:
        print(f"interrupted; everything sampled so far is kept. Resume with:\n  {command}", file=sys.stderr)
        raise typer.Exit(130) from None
    states, failed = ran.states, ran.failed
    if ran.report is None:
        print(
            f"shard {shard}: {len(states) - failed} of its {plural(len(states), 'cell')} done, of "
            f"{len(launch.plan.cells)} in the plan. When all shards are: harness merge RUN… --out FOLDER",
            file=sys.stderr,
        )
    else:
        print_report(ran.report, json, wide=wide)
        if not json:
            closing(ran.report, launch.store, launch.plan, failed, command)
    if failed:
        raise typer.Exit(1)
