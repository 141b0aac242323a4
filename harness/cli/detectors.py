"""`harness detectors`: how good detectors are, measured on a suite's labelled bench."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.screen.console import stderr_console

if TYPE_CHECKING:
    from harness.detection.bench import Reader
    from harness.models.generate import Generator
    from harness.planning.chat_options import ChatOptions
    from harness.registry.catalogue import Catalogue
    from harness.registry.component import Component

Suite = Annotated[str, typer.Argument(metavar="TASKS", help="A suite that has a labelled bench.")]


def detectors(
    context: typer.Context,
    tasks: Suite,
    detectors: o.Detectors = None,
    model: o.Model = None,
    params: o.Param = None,
    chat_template: o.ChatTemplate = None,
    template_args: o.TemplateArg = None,
    system: o.System = None,
    json: o.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown on stdout.")] = False,
) -> None:

    from harness.detection.bench import examine, labelled_bench
    from harness.detection.error_rates import error_rates, store_error_rates
    from harness.planning.chat_options import ChatOptions
    from harness.planning.experiment import parse_overrides, split_names
    from harness.planning.judges import refuse_judge_chat
    from harness.report.bench_tables import bench_report
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal

    catalogue = global_options(context).catalogue
    overrides = parse_overrides(params or [])
    names = split_names(",".join(detectors or ["all"]))
    if names == ("all",):
        names = tuple(sorted(catalogue.plugins.specs["detectors"]))
    suite = catalogue.resolve("tasks", tasks, overrides.get(tasks))
    reader = _reader(catalogue, suite, model, ChatOptions.typed(chat_template, template_args, system))
    chosen = [catalogue.resolve("detectors", name, overrides.get(name)) for name in names]
    for one in chosen:
        refuse_judge_chat(one.params, catalogue)
    err = stderr_console()

    def say(line: str) -> None:
        err.print(line, style="dim", markup=False, highlight=False)

    bench = labelled_bench(suite, catalogue, say)
    sandbox = str(suite.params.get("sandbox", "bwrap"))
    examined = [examine(one, bench, sandbox, catalogue, say, reader) for one in chosen]
    reported = [entry for entry in bench if entry.half == "report"]
    for component, found in zip(chosen, examined, strict=True):
        # not for a detector that learns: a run fits its own
        if found.flags and not found.left_out and (rates := error_rates(reported, found.flags)):
            store_error_rates(suite, component, rates)
    report = bench_report(tasks, bench, examined, reader.model.name if reader else "")
    if json:
        print(json_module.dumps(to_json(report), indent=1))
    elif markdown:
        print(render_markdown(report))
    else:
        render_terminal(report, stdout_console())


def _reader(catalogue: Catalogue, suite: Component, named: list[str] | None, asking: ChatOptions) -> Reader | None:
    """The model named, else the suite's own default; None where there is neither."""
    from harness.detection.activations import Activations
    from harness.detection.bench import Reader
    from harness.planning.chat import chat_here
    from harness.registry.sources import locate_model

    name = ",".join(named or []) or catalogue.preset("tasks", suite.preset).default_model or catalogue.default_model
    if not name:
        asking.refuse_without("a model", "add --model")
        return None
    model = locate_model(name, catalogue)
    chat, _ = chat_here(asking, model.name, Path(model.path))

    def generator() -> Generator:
        from harness.models.generate import Generator
        from harness.models.load import load

        return Generator(load(model.path, frozen=True), chat)

    return Reader(model, Activations(generator))
