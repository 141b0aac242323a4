"""The options that describe an experiment, with the names that users of lm-eval and Inspect expect."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.completion import names

Files = Annotated[list[str] | None, typer.Argument(metavar="[EXPERIMENT.toml]", help="Read options from a file.")]
Names = list[str] | None
Model = Annotated[
    Names,
    typer.Option(
        "--model", "-m", help="Registry entry, folder, .gguf or hub id; comma list.", autocompletion=names("models")
    ),
]
Compressor = Annotated[
    Names,
    typer.Option(
        "--compressor",
        "-c",
        help="Comma list; see `harness list compressors`.",
        autocompletion=names("compressors"),
    ),
]
Trainer = Annotated[
    Names,
    typer.Option("--trainer", help="Comma list; see `harness list trainers`.", autocompletion=names("trainers")),
]
Tasks = Annotated[
    Names, typer.Option("--tasks", "-t", help="Comma list; see `harness list tasks`.", autocompletion=names("tasks"))
]
TrainOn = Annotated[
    str | None,
    typer.Option(
        metavar="TASKS",
        help="Train on this suite, and judge the arms on all of --tasks.",
        autocompletion=names("tasks"),
    ),
]
Detectors = Annotated[Names, typer.Option("--detectors", help="Comma list, or all.", autocompletion=names("detectors"))]
Items = Annotated[int | None, typer.Option(help="Items per family (1 = the canonical ones).", min=1)]
Grader = Annotated[str | None, typer.Option(help="Which of a suite's graders judges, e.g. strict or published.")]
Data = Annotated[str | None, typer.Option(help="A file of problems, for suites that read one.")]
Sandbox = Annotated[str | None, typer.Option(help="Where generated code runs: bwrap, strict, process (weaker).")]
AcceptWeakIsolation = Annotated[
    bool | None,
    typer.Option("--accept-weak-isolation", help="Let programs be judged where a determined one can cheat (process)."),
]
IncludePath = Annotated[
    str | None, typer.Option("--include-path", "--lm-eval-include", help="Folder with your own lm-eval tasks.")
]
Limit = Annotated[int | None, typer.Option(help="Only the first N items of each suite.")]
Runs = Annotated[int | None, typer.Option("--runs", "--num-runs", "--epochs", help="How often each question is asked.")]
Seeds = Annotated[
    str | None, typer.Option("--seeds", "--seed", help="Random seeds: 42, 41-46 or 1,3,7-9; one cell each.")
]
Temperature = Annotated[float | None, typer.Option(help="0 is greedy.")]
TopP = Annotated[float | None, typer.Option(help="Nucleus sampling.")]
MaxTokens = Annotated[int | None, typer.Option(help="New tokens per reply, instead of each prompt's limit.")]
BatchSize = Annotated[int | None, typer.Option(help="Prompts asked at once.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N.")]
Dtype = Annotated[str | None, typer.Option(help="auto (float32 on a CPU), float32, bfloat16, float16.")]
Baseline = Annotated[bool | None, typer.Option("--baseline/--no-baseline", help="Include the untouched model.")]
ChatTemplate = Annotated[
    str | None,
    typer.Option("--chat-template", metavar="FILE|NAME", help="A chat template instead of the model's default one."),
]
TemplateArg = Annotated[
    Names,
    typer.Option("--template-arg", metavar="NAME=VALUE", help="A variable of the template, as enable_thinking=false."),
]
System = Annotated[str | None, typer.Option(metavar="TEXT", help="A system turn before every prompt.")]
Backend = Annotated[
    str | None, typer.Option(help="Sample through lm-eval: hf, vllm, sglang, local-chat-completions, …")
]
BackendArgs = Annotated[
    Names,
    typer.Option(
        "--backend-args", metavar="NAME=VALUE,…", help="Its arguments; a secret as NAME=env:VARIABLE or NAME=file:PATH."
    ),
]
Param = Annotated[Names, typer.Option("-P", metavar="NAME.KEY=VALUE", help="Set a parameter of a selected name.")]
ParamOfAll = Annotated[
    Names,
    typer.Option("-P", metavar="NAME.KEY=VALUE", help="Set a parameter of one name, or of all presets of a plugin."),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Run folder (default: runs/<name of the experiment>).")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
Wide = Annotated[bool, typer.Option("--wide", help="Every column of a table, however wide the terminal is.")]
FreezeDetectors = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="Detectors also under the thresholds of that run's uncompressed arms, 5 % false positives.",
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


def experiment_options(
    files: Files = None,
    compressor: Compressor = None,
    tasks: Tasks = None,
    model: Model = None,
    trainer: Trainer = None,
    train_on: TrainOn = None,
    detectors: Detectors = None,
    items: Items = None,
    grader: Grader = None,
    data: Data = None,
    sandbox: Sandbox = None,
    accept_weak_isolation: AcceptWeakIsolation = None,
    include_path: IncludePath = None,
    limit: Limit = None,
    runs: Runs = None,
    seeds: Seeds = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
    batch_size: BatchSize = None,
    device: Device = None,
    dtype: Dtype = None,
    baseline: Baseline = None,
    chat_template: ChatTemplate = None,
    template_args: TemplateArg = None,
    system: System = None,
    backend: Backend = None,
    backend_args: BackendArgs = None,
    params: ParamOfAll = None,
) -> None:
    """The signature that every verb taking an experiment has."""


def takes_experiment(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options above in place of its parameter `experiment`, and pass it the validated Experiment."""
    shared = inspect.signature(experiment_options, eval_str=True).parameters
    own = [p for p in inspect.signature(verb, eval_str=True).parameters.values() if p.name != "experiment"]
    parameters = [own[0], *shared.values(), *own[1:]]  # the context comes first

    @wraps(verb)
    def wrapped(**given: Any) -> None:
        from harness.planning.given import experiment_given

        options = {name: given.pop(name) for name in shared}
        experiment = experiment_given(options.pop("files") or [], options)
        verb(experiment=experiment, **given)

    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    del wrapped.__wrapped__
    return wrapped
