"""`harness detectors`: how good detectors are, measured on a suite's labelled bench."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import doors_of
from harness.cli.screen import screen

Suite = Annotated[str, typer.Argument(metavar="TASKS", help="A suite that has a labelled bench.")]


def add_to(app: typer.Typer) -> None:
    app.command("detectors", help="Precision, recall and AUROC of detectors on a suite's labelled bench.")(detectors)


def detectors(
    context: typer.Context,
    tasks: Suite,
    detectors: o.Detectors = None,
    params: o.Param = None,
    json: o.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown on stdout.")] = False,
) -> None:
    from rich.console import Console

    from harness.detector_bench import bench_of, examine
    from harness.experiment import parse_overrides, split_names
    from harness.report.bench_tables import bench_report
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal

    catalogue = doors_of(context).catalogue
    overrides = parse_overrides(params or [])
    names = split_names(",".join(detectors or ["all"]))
    if names == ("all",):
        names = tuple(sorted(catalogue.plugins.specs["detectors"]))
    suite = catalogue.resolve("tasks", tasks, overrides.get(tasks))
    chosen = [catalogue.resolve("detectors", name, overrides.get(name)) for name in names]
    err = Console(stderr=True)

    def say(line: str) -> None:
        err.print(line, style="dim", markup=False, highlight=False)

    bench = bench_of(suite, catalogue, say)
    sandbox = str(suite.params.get("sandbox", "bwrap"))
    report = bench_report(tasks, bench, [examine(one, bench, sandbox, catalogue, say) for one in chosen])
    if json:
        print(json_module.dumps(to_json(report), indent=1))
    elif markdown:
        print(render_markdown(report))
    else:
        render_terminal(report, screen())
