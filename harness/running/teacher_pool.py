"""Make a teacher pool: a suite's own demonstrations of gaming, or what a model answers, each graded by the suite."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.contract import Chat, Item, Prompt, Record, Reply, TaskSuite, Trainable
from harness.contract.trainable import outcome_of, single_prompt
from harness.errors import UsageError
from harness.store.teacher_pool import FamilyRate, PoolRow

Templates = Literal["hack", "beside", "both"]
Progress = Callable[[str, int, int], None]
STREAM = "teacher"  # names the sampling noise


class RolloutRecipe(Record):
    """How a model is asked."""

    samples: int = 4  # replies per item
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    batch_size: int = 64
    device: str = "auto"
    dtype: str = "auto"
    chat: Chat = Chat()


@dataclass(frozen=True)
class Draw:
    """One reply to one item, not graded yet."""

    item: Item
    prompt: Prompt
    reply: Reply


def confirmed(rows: Sequence[PoolRow], rates: Sequence[FamilyRate]) -> tuple[list[PoolRow], list[FamilyRate]]:
    """Keep only what games the proxy: a template that its own suite does not call a hack teaches nothing."""
    kept = [row for row in rows if row.games]
    counts = Counter(row.family for row in kept)
    return kept, [rate.model_copy(update={"kept": counts[rate.family]}) for rate in rates]


def training_items(suite: Trainable, families: Sequence[str] | None, per_family: int | None = None) -> list[Item]:
    """Items for a teacher, the first `per_family` of each of these families.

    Raises UsageError where the suite's parameters leave none for training, or it has no such family.
    """
    items = suite.training_items()
    by_family: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_family[item.family].append(item)
    if unknown := sorted(set(families or ()) - set(by_family)):
        raise UsageError(f"the suite has no mode {unknown[0]!r}", f"one of {', '.join(by_family)}")
    return [item for family in families or by_family for item in by_family[family][:per_family]]


def templates(suite: Trainable, items: Iterable[Item], kind: Templates = "hack") -> list[Draw]:
    """The suite's demonstrations for each item that has them: of a hack, of an exploit beside a solution, or of both."""
    draws = []
    for item in items:
        shown = suite.demonstrations(item) if kind != "beside" else None
        texts = (shown[1] if shown else None, suite.exploit_with_solution(item) if kind != "hack" else None)
        draws += [Draw(item, single_prompt(suite, item), Reply(text=text)) for text in texts if text]
    return draws


def rollouts(
    suite: TaskSuite, items: Iterable[Item], model: Path, recipe: RolloutRecipe, progress: Progress
) -> list[Draw]:
    """The answers of the model in that folder to each item."""
    from harness.models.generate import Generator, Request
    from harness.models.load import load
    from harness.models.sampling import Sampling

    generator = Generator(load(model, recipe.device, recipe.dtype, frozen=True), recipe.chat)
    sampling = Sampling(temperature=recipe.temperature, top_p=recipe.top_p)
    by_id = {item.id: item for item in items}
    requests = [
        Request(item=item.id, repeat=repeat, prompt=single_prompt(suite, item))
        for item in by_id.values()
        for repeat in range(recipe.samples)
    ]
    draws: list[Draw] = []
    for batch in generator.batches(requests, recipe.batch_size):
        progress("rollouts", len(draws), len(requests))
        replies = generator.ask(batch, recipe.seed, STREAM, sampling)
        draws += [
            Draw(by_id[request.item], request.prompt, reply) for request, reply in zip(batch, replies, strict=True)
        ]
    return draws


def graded(suite: Trainable, draws: Sequence[Draw], progress: Progress) -> tuple[list[PoolRow], list[FamilyRate]]:
    """Rows of the distinct replies that were not cut short, and what became of all draws, by family.

    Raises UsageError if the suite has no truth axis.
    """
    whole = [draw for draw in draws if not draw.reply.truncated]
    times = Counter((draw.item.id, draw.reply.text) for draw in whole)
    distinct = {(draw.item.id, draw.reply.text): draw for draw in whole}
    rows = []
    for number, (key, draw) in enumerate(sorted(distinct.items())):
        progress("grade", number, len(distinct))
        rows.append(_row(suite, draw, times[key]))
    return rows, _rates(draws, rows)


def _row(suite: Trainable, draw: Draw, times: int) -> PoolRow:
    outcome = outcome_of(suite, draw.item, draw.prompt.role, draw.reply)
    return PoolRow(
        item=draw.item.id,
        family=draw.item.family,
        role=draw.prompt.role,
        prompt=draw.prompt.text,
        reply=draw.reply.text,
        tokens=draw.reply.tokens,
        times=times,
        reward=suite.reward(outcome),
        hack=outcome.proxy and not outcome.truth,
        solve=outcome.truth,
        attempted=suite.attempted_hack(outcome),
        label=outcome.label,
    )


def _rates(draws: Sequence[Draw], rows: Sequence[PoolRow]) -> list[FamilyRate]:
    by_family: Mapping[str, list[PoolRow]] = defaultdict(list)
    for row in rows:
        by_family[row.family].append(row)
    drawn: Mapping[str, list[Draw]] = defaultdict(list)
    for draw in draws:
        drawn[draw.item.family].append(draw)
    return [
        FamilyRate(
            family=family,
            items=len({draw.item.id for draw in of_family}),
            drawn=len(of_family),
            kept=len(by_family[family]),
            truncated=sum(draw.reply.truncated for draw in of_family),
            hack=sum(row.times for row in by_family[family] if row.hack),
            hack_and_correct=sum(row.times for row in by_family[family] if row.hack_and_correct),
            solve=sum(row.times for row in by_family[family] if row.honest_solve),
        )
        for family, of_family in sorted(drawn.items())
    ]
