"""The core's verbs as data: a name, where its code is, and what `harness --help` says of it. A verb's module is imported
when the verb is called, so that no verb pays for another."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

VERBS = {  # in the order of --help
    "run": ("harness.cli.run:run", "Run the cross product and report. The same command resumes."),
    "plan": ("harness.cli.plan:plan", "What would run: cells, cached stages, sizes, generations. Nothing is run."),
    "list": (
        "harness.cli.listing:list_names",
        "What can be selected: compressors, tasks, trainers, detectors, models.",
    ),
    "describe": (
        "harness.cli.describe:describe",
        "What a name stands for: its parameters, what it needs, and of a suite an item with its prompts.",
    ),
    "runs": ("harness.cli.runs:runs", "Run folders, how far each is, and what it is of."),
    "plugins": ("harness.cli.plugins:plugins", "The plugins that were found, and why one is broken."),
    "show": ("harness.cli.show:show", "The cells of a run; with --cell, --item or --label their transcripts."),
    "report": ("harness.cli.report:report", "The tables of a run, from what is stored."),
    "compare": ("harness.cli.compare:compare", "Two runs, arm by arm, paired by item where both asked the same."),
    "gate": (
        "harness.cli.gate:gate",
        "Do a run's arms keep conditions with a margin? Exit code 0 yes, 1 no, 3 not enough items.",
    ),
    "export-results": (
        "harness.cli.export_results:export_results",
        "A run as CSV, Parquet, JSON lines, lm-eval's results, Inspect's logs or a model card.",
    ),
    "label": (
        "harness.cli.label:label",
        "Read a run's replies one by one; the report then measures its grader's error.",
    ),
    "published": ("harness.cli.published:published", "Print published aggregates through the report's own tables."),
    "rescore": (
        "harness.cli.rescore:rescore",
        "Grade and detect again from the stored replies; nothing is sampled.",
    ),
    "merge": ("harness.cli.merge:merge", "Join the run folders of shards (`harness run --shard`) and report."),
    "push": ("harness.cli.push:push", "Put a run folder into a store (s3://, gs://, file://) that machines share."),
    "pull": ("harness.cli.push:pull", "Bring a run folder from a store."),
    "compress": (
        "harness.cli.compress:compress",
        "Compress a model into an artefact; the same command resumes.",
    ),
    "sensitivity": (
        "harness.cli.sensitivity:sensitivity",
        "Which blocks or Linears break knowing, and which doing? Writes a plan that `sensitive@BPW` spends by.",
    ),
    "verify": (
        "harness.cli.verify:verify",
        "Check every tensor of an artefact; names the first that is missing or altered.",
    ),
    "inspect": ("harness.cli.inspect:inspect", "An artefact Linear by Linear: bits, rank, error, bytes."),
    "export": (
        "harness.cli.export:export",
        "Write an artefact as dense weights, or as compressed-tensors plus a LoRA adapter.",
    ),
    "detectors": (
        "harness.cli.detectors:detectors",
        "Precision, recall, AUROC and calibration of detectors on labelled replies: a suite's bench, or your file.",
    ),
    "lm-eval-path": (
        "harness.cli.lm_eval_path:path",
        'A task folder for `lm_eval run --include_path "$(harness lm-eval-path)"`.',
    ),
    "new-plugin": (
        "harness.cli.new_plugin:new_plugin",
        "Write an installable plugin package: code, test, README.",
    ),
    "doctor": (
        "harness.cli.doctor:doctor",
        "Is this machine ready? Prints versions, plugins, sandbox and the suites' self-checks.",
    ),
    "cache": ("harness.cli.cache:cache", "The shared cache: what lies in it, and its removal by age, size and kind."),
    "teacher": ("harness.cli.teacher:teacher", "Frozen replies that a trainer's teacher shows."),
}


class Placeholder(TyperCommand):
    """A verb of `VERBS` that is not imported yet."""


class VerbGroup(TyperGroup):
    """Imports a verb of the core when it is called."""

    def loaded(self, name: str) -> Any:
        """The command of that name, with its options."""
        command = self.commands[name]
        if not isinstance(command, Placeholder):
            return command
        target, text = VERBS[name]
        module, _, attribute = target.partition(":")
        verb = getattr(importlib.import_module(module), attribute)
        app = typer.Typer()
        if isinstance(verb, typer.Typer):
            app.add_typer(verb, name=name, help=text)
        else:
            app.command(name, help=text)(verb)
        return get_group(app).commands[name]

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.loaded(name) if name else command, rest


def add_verbs(app: typer.Typer) -> None:
    """Make every verb known to `app`, whose class is `VerbGroup`, without importing it."""
    for name, (_, text) in VERBS.items():
        app.command(name, help=text, cls=Placeholder)(_not_called)


def _not_called() -> None:
    raise AssertionError("a placeholder is replaced before it is called")
