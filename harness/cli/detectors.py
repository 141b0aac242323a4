"""`harness detectors`: how good detectors are, measured on a suite's labelled bench or on a labelled file."""

from __future__ import annotations

import json as json_module
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.errors import UsageError
from harness.screen.console import stderr_console

if TYPE_CHECKING:
    from harness.contract import LabelledView
    from harness.detection.bench import Reader
    from harness.models.generate import Generator
    from harness.planning.chat_options import ChatOptions
    from harness.registry.catalogue import Catalogue
    from harness.registry.component import Component

SANDBOX = "bwrap"  # where programs of a file run
Suite = Annotated[str | None, typer.Argument(metavar="[TASKS]", help="A suite that has a labelled bench.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Instead of a suite: a file of labelled replies (CSV, JSONL, JSON, Parquet)."),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME|FIELD=COLUMN",
        help="What its columns hold: a name of `harness list maps`, single columns.",
    ),
]


def detectors(
    context: typer.Context,
    tasks: Suite = None,
    data: Data = None,
    column_map: Map = None,
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
    from harness.detection.labelled_file import labelled_file
    from harness.planning.chat_options import ChatOptions
    from harness.planning.experiment import parse_overrides, split_names
    from harness.planning.judges import refuse_judge_chat
    from harness.registry.column_maps import typed_map
    from harness.report.bench_tables import bench_report
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal

    if (tasks is None) == (data is None):
        raise UsageError(
            "give a suite or a file of labelled replies", "harness detectors TASKS, or --data FILE --map NAME"
        )
    if column_map and data is None:
        raise UsageError("--map says what the columns of --data hold", "add --data FILE")
    catalogue = global_options(context).catalogue
    overrides = parse_overrides(params or [])
    names = split_names(",".join(detectors or ["all"]))
    if names == ("all",):
        names = tuple(sorted(catalogue.plugins.specs["detectors"]))
    suite = catalogue.resolve("tasks", tasks, overrides.get(tasks)) if tasks else None
    err = stderr_console()

    def say(line: str) -> None:
        err.print(line, style="dim", markup=False, highlight=False)

    reader = _reader(catalogue, suite, model, ChatOptions.typed(chat_template, template_args, system), say)
    chosen = [catalogue.resolve("detectors", name, overrides.get(name)) for name in names]
    for one in chosen:
        refuse_judge_chat(one.params, catalogue)
    notes: tuple[str, ...] = ()
    bench: Sequence[LabelledView]
    if suite is not None:
        bench = labelled_bench(suite, catalogue, say)
    else:
        assert data is not None
        bench, notes = labelled_file(data, typed_map(column_map or [], catalogue.maps, "plain"))
    sandbox = str(suite.params.get("sandbox", SANDBOX)) if suite else SANDBOX
    examined = [examine(one, bench, sandbox, catalogue, say, reader) for one in chosen]
    reported = [entry for entry in bench if entry.half == "report"]
    for component, found in zip(chosen, examined, strict=True):
        # a run's own suite alone: and not for a detector that learns, which a run fits itself
        if suite and found.flags and not found.left_out and (rates := error_rates(reported, found.flags)):
            store_error_rates(suite, component, rates)
    source = tasks or (data.name if data else "")
    report = bench_report(source, bench, examined, reader.model.name if reader else "", notes)
    if json:
        print(json_module.dumps(to_json(report), indent=1))
    elif markdown:
        print(render_markdown(report))
    else:
        render_terminal(report, stdout_console())


def _reader(
    catalogue: Catalogue,
    suite: Component | None,
    named: list[str] | None,
    asking: ChatOptions,
    say: Callable[[str], None],
) -> Reader | None:
    """The model named, else the suite's own default, which a file does not have; None where there is neither."""
    from harness.detection.activations import Activations
    from harness.detection.bench import Reader
    from harness.planning.chat import chat_here
    from harness.registry.sources import locate_model

    name: str | None = ",".join(named or [])
    if not name and suite:
        name = catalogue.preset("tasks", suite.preset).default_model or catalogue.default_model
    if not name:
        asking.refuse_without("a model", "add --model")
        return None
    model = locate_model(name, catalogue)
    chat, _ = chat_here(asking, model.name, Path(model.path))

    def generator() -> Generator:
        from harness.models.generate import Generator
        from harness.models.load import load

        return Generator(load(model.path, frozen=True), chat)

    return Reader(model, Activations(generator, _now_and_then(say)))


def _now_and_then(say: Callable[[str], None]) -> Callable[[int, int], None]:
    """Says how many texts the model has read, as a log wants it."""
    from harness.screen.progress import PLAIN_SECONDS

    last = time.monotonic()

    def told(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_SECONDS:
            last = time.monotonic()
            say(f"read {done} of {of} texts")

    return told
