"""`harness teacher build`: a frozen pool of replies that game a suite's proxy, and of those that do not."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import JsonValue

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options

if TYPE_CHECKING:
    from harness.store.teacher_pool import FamilyRate


class Kind(StrEnum):
    """`harness.running.teacher_pool.Templates`, as typer wants it."""

    HACK = "hack"
    BESIDE = "beside"
    BOTH = "both"


teacher = typer.Typer(name="teacher", help="Frozen replies that a trainer's teacher shows.", no_args_is_help=True)


@teacher.command("build")
def build(
    context: typer.Context,
    tasks: Annotated[str, typer.Option("--tasks", "-t", help="The suite whose training items are answered.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The pool to write (JSONL).")],
    checkpoint: Annotated[
        str | None, typer.Option("--from", help="Roll out this model; without it, the suite's own templates.")
    ] = None,
    modes: Annotated[str | None, typer.Option("--modes", "--families", help="Only these; comma list.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Use this model's problems, where models differ.")
    ] = None,
    params: o.Param = None,
    kind: Annotated[Kind, typer.Option("--templates", help="Hacks, exploits beside a solution, or both.")] = Kind.HACK,
    items: Annotated[int | None, typer.Option(help="Training items per mode.", min=1)] = None,
    samples: Annotated[int, typer.Option(help="Rollouts per item.", min=1)] = 4,
    temperature: Annotated[float, typer.Option(help="Sampling temperature of the rollouts.", min=0)] = 1.0,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling of the rollouts.", min=0, max=1)] = 1.0,
    seed: Annotated[int, typer.Option(help="Random seed of the rollouts.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Prompts asked at once.", min=1)] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, float16.")] = "auto",
    chat_template: o.ChatTemplate = None,
    template_args: o.TemplateArg = None,
    system: o.System = None,
) -> None:
    """Answer the suite's training items, let its graders judge every answer, and keep both in one file."""
    from harness.contract import Trainable
    from harness.errors import UsageError
    from harness.planning.chat import chat_here
    from harness.planning.chat_options import ChatOptions
    from harness.planning.experiment import parse_overrides, split_names
    from harness.registry.capabilities import require_capability
    from harness.registry.component import build as make
    from harness.registry.sources import locate_model
    from harness.running.teacher_pool import RolloutRecipe, confirmed, graded, rollouts, templates, training_items
    from harness.screen.progress import stage_progress
    from harness.store.teacher_pool import Pool, PoolHeader, write_pool

    catalogue = global_options(context).catalogue
    preset = catalogue.preset("tasks", catalogue.resolve("tasks", tasks).preset)
    overrides = parse_overrides(params or [])
    asked = model or preset.default_model or catalogue.default_model
    component = catalogue.resolve("tasks", tasks, overrides.pop(tasks, None), asked)
    if overrides:
        raise UsageError(f"-P names {next(iter(overrides))!r}, not {tasks}")
    made = make(component, catalogue.spec("tasks", component.plugin)[0])
    cause = f"{tasks} keeps no items for training, so a teacher has nothing to show"
    suite = require_capability(made, Trainable, cause, catalogue)
    chosen = training_items(suite, split_names(modes) if modes else None, items)
    asking = ChatOptions.typed(chat_template, template_args, system)
    made_by: dict[str, JsonValue] = {}
    with stage_progress() as progress:
        if checkpoint is None:
            asking.refuse_without("a model that is asked", "add --from")
            rows, rates = confirmed(*graded(suite, templates(suite, chosen, kind.value), progress))
        else:
            source = locate_model(checkpoint, catalogue)
            recipe = RolloutRecipe(
                samples=samples,
                temperature=temperature,
                top_p=top_p,
                seed=seed,
                batch_size=batch_size,
                device=device,
                dtype=dtype,
                chat=chat_here(asking, source.name, Path(source.path))[0],
            )
            rows, rates = graded(suite, rollouts(suite, chosen, Path(source.path), recipe, progress), progress)
            made_by = {"model": source.name, "digest": source.digest, **recipe.model_dump(mode="json")}
    _print(rates)
    if not any(row.games for row in rows):
        raise UsageError(
            "no reply games the proxy, so the pool would teach nothing", "choose another --from or --modes"
        )
    header = PoolHeader(
        suite=component.label,
        suite_identity=component.identity,
        source="rollouts" if checkpoint else "templates",
        made_by=made_by,
        families=tuple(sorted({item.family for item in chosen})),
        rates=tuple(rates),
    )
    write_pool(out, Pool(header=header, rows=tuple(rows)))
    print(f"{out}: {len(rows)} replies, {sum(row.games for row in rows)} of which game the proxy")


def _print(rates: Sequence[FamilyRate]) -> None:
    names = ("mode", "items", "drawn", "cut short", "kept", "hack", "hack and correct", "solve", "games the proxy")
    table = plain_table(*names)
    for rate in rates:
        counts = (rate.items, rate.drawn, rate.truncated, rate.kept, rate.hack, rate.hack_and_correct, rate.solve)
        table.add_row(rate.family, *map(str, counts), f"{rate.hack_rate:.1%}")
    stdout_console().print(table, markup=False)
