"""`harness probe`: the verb. Torch is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o


def probe(
    context: typer.Context,
    model: Annotated[str, typer.Option("--model", "-m", help="The policy that the pool is replayed on.")],
    pool: Annotated[Path, typer.Option("--pool", help="A file of `harness teacher build --from CHECKPOINT`.")],
    run: Annotated[Path | None, typer.Option("--run", help="A run folder with training arms, for R5 and R6.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder: probe.md, probe.json, rows.jsonl.")] = None,
    pairs: Annotated[str, typer.Option(help="A pair set, several joined by +, a TOML file or a pool.")] = "loopholes",
    adapter: Annotated[str, typer.Option(help="svd or lora.")] = "svd",
    k: Annotated[int, typer.Option(help="Directions per module.", min=1)] = 5,
    rows: Annotated[int, typer.Option(help="Replies per class.", min=2)] = 200,
    steps: Annotated[int, typer.Option(help="Steps of the projected replay.", min=1)] = 20,
    batch: Annotated[int, typer.Option(help="Replies per step.", min=1)] = 8,
    rate: Annotated[float, typer.Option(help="Learning rate of the replay.", min=0)] = 0.1,
    space: Annotated[str, typer.Option(help="gradient (as published) or update.")] = "gradient",
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")] = "auto",
    chat_template: o.ChatTemplate = None,
    template_args: o.TemplateArg = None,
    system: o.System = None,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")] = False,
) -> None:
    """Replay a teacher pool against a hack direction: checks R1 to R7, each with its control."""
    import json as json_module

    from pydantic import ValidationError

    from harness.cli.console import stdout_console
    from harness.cli.context import global_options
    from harness.errors import UsageError
    from harness.planning.chat import chat_here
    from harness.planning.chat_options import ChatOptions
    from harness.registry.sources import locate_model
    from harness.report.markdown import render_markdown
    from harness.report.results import to_json
    from harness.report.terminal import render_terminal
    from harness.screen.progress import stage_progress
    from harness.store.files import write_json, write_jsonl, write_text
    from harness.store.teacher_pool import read_pool
    from harness_plugins.trainers.metrics import number
    from harness_plugins.trainers.probe.page import report
    from harness_plugins.trainers.probe.run import ProbeOptions
    from harness_plugins.trainers.probe.run import probe as measure
    from harness_plugins.trainers.probe.trajectories import Trajectories, trajectories

    given = {"pairs": pairs, "adapter": adapter, "k": k, "rows": rows, "steps": steps, "batch": batch, "rate": rate}
    given |= {"space": space, "seed": seed, "device": device, "dtype": dtype}
    asking = ChatOptions.typed(chat_template, template_args, system)
    try:
        options = ProbeOptions.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"--{first['loc'][0]}: {first['msg']}") from None
    replies = read_pool(pool)
    trained = trajectories(run) if run else Trajectories()
    source = locate_model(model, global_options(context).catalogue)
    chat, _ = chat_here(asking, source.name, Path(source.path))
    options = options.model_copy(update={"chat": chat})
    with stage_progress() as progress:
        probed = measure(Path(source.path), replies, trained, options, progress)
    page = report(source.name, replies, probed)
    if out:
        write_text(out / "probe.md", render_markdown(page))
        write_json(out / "probe.json", to_json(page))
        cosines = (
            {**row.row.model_dump(mode="json"), "tokens": row.tokens, "cosine": number(row.cosine)}
            for row in probed.rows
        )
        write_jsonl(out / "rows.jsonl", cosines)
    if json:
        print(json_module.dumps(to_json(page), indent=1))
    else:
        render_terminal(page, stdout_console())
