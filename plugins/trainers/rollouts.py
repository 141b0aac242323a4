"""Groups of rollouts: what the policy says now, and what a frozen teacher said, each with its reward."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from harness.contract import Item, Outcome, Prompt, Reply, TaskSuite
from harness.errors import UsageError
from harness.models.decode import decode
from harness.models.generate import Generator
from harness.models.sampling import Sampling, request_key
from harness.models.stopping import cut_at_stop
from harness_plugins.trainers.extraction import completion_tokens
from harness_plugins.trainers.scoring import Tokens


@dataclass(frozen=True)
class Rollout:
    item: Item
    tokens: Tokens
    reward: float
    hack: bool  # passes the proxy alone; for the log, no part of the reward
    solve: bool
    teacher: bool = False
    truncated: bool = False


Pool = Mapping[str, Rollout]  # item id -> the teacher's reply to it


def single_prompt(suite: TaskSuite, item: Item, max_tokens: int | None) -> Prompt:
    """The one prompt of an item. Raises UsageError for suites that ask several, or score a given text."""
    prompts = suite.prompts(item)
    if len(prompts) != 1 or prompts[0].target is not None:
        raise UsageError("a trainer needs a suite with one prompt to answer per item", "use leetcode-loopholes")
    return prompts[0].model_copy(update={"max_tokens": max_tokens}) if max_tokens else prompts[0]


def grade(suite: TaskSuite, item: Item, role: str, reply: Reply) -> Outcome:
    outcome = suite.grade(item, {role: reply})
    if not isinstance(outcome, Outcome):
        raise UsageError("a trainer needs a suite with a proxy and a truth", "use leetcode-loopholes")
    return outcome


def teacher_pool(
    suite: TaskSuite, items: Sequence[Item], generator: Generator, families: Sequence[str] | None
) -> dict[str, Rollout]:
    """The suite's gaming demonstration for each item where its own graders confirm that it games; rewards are frozen."""
    pool = {}
    for item in items:
        shown = suite.demonstrations(item) if families is None or item.family in families else None
        if shown is None:
            continue
        prompt, text = single_prompt(suite, item, None), shown[1]
        outcome = grade(suite, item, prompt.role, Reply(text=text))
        if outcome.proxy and not outcome.truth:
            tokens = completion_tokens(generator, prompt.text, text)
            pool[item.id] = Rollout(item, tokens, suite.reward(outcome), hack=True, solve=False, teacher=True)
    return pool


def draw_items(items: Sequence[Item], count: int, seed: int, step: int) -> list[Item]:
    """Distinct items of a step: a function of (seed, step) alone, so that a resumed run draws the same."""
    return random.Random(f"items:{seed}:{step}").sample(list(items), min(count, len(items)))


def draw_groups(
    suite: TaskSuite,
    items: Sequence[Item],
    generator: Generator,
    pool: Pool,
    *,
    size: int,
    taught: int,
    sampling: Sampling,
    max_tokens: int | None,
    seed: int,
    step: int,
    batch_size: int,
) -> list[list[Rollout]]:
    """One group of `size` rollouts per item, the last `taught` of them the teacher's where it has a reply to the item.

    A rollout's noise belongs to (seed, item, step, its place in the group), so that arms that are trained with one seed
    differ by their policies alone.
    """
    asked = [
        (item, single_prompt(suite, item, max_tokens), place)
        for item in items
        for place in range(size - taught if item.id in pool else size)
    ]
    replies: list[list[int]] = []
    for start in range(0, len(asked), batch_size):
        replies += _sample(generator, asked[start : start + batch_size], sampling, seed, step, size)
    groups: dict[str, list[Rollout]] = {item.id: [] for item in items}
    for (item, prompt, _), completion in zip(asked, replies, strict=True):
        groups[item.id].append(_graded(suite, item, prompt, completion, generator))
    return [groups[item.id] + ([pool[item.id]] * taught if item.id in pool else []) for item in items]


def _sample(
    generator: Generator,
    asked: Sequence[tuple[Item, Prompt, int]],
    sampling: Sampling,
    seed: int,
    step: int,
    size: int,
) -> list[list[int]]:
    """New tokens of each request, the one that ended it included."""
    rows = [generator.encode(prompt) for _, prompt, _ in asked]
    limits = [generator.room(prompt, len(row)) for (_, prompt, _), row in zip(asked, rows, strict=True)]
    if min(limits) < 1:
        raise UsageError("a training prompt does not fit the model's context", "use a model with a longer context")
    width, pad = max(map(len, rows)), generator.tokenizer.pad_token_id  # L
    device = generator.loaded.device
    input_ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=device)  # (B, L)
    attention = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return decode(
        generator.model,
        generator.tokenizer,
        input_ids,
        attention,
        keys=[request_key(seed, "train", item.id, prompt.role, step * size + place) for item, prompt, place in asked],
        sampling=sampling,
        limits=limits,
        eos=generator.loaded.eos,
        stop=asked[0][1].stop,
    )


def _graded(suite: TaskSuite, item: Item, prompt: Prompt, completion: list[int], generator: Generator) -> Rollout:
    text = generator.tokenizer.decode(completion, skip_special_tokens=True)
    shown = cut_at_stop(text, prompt.stop)
    truncated = completion[-1] not in generator.loaded.eos and shown == text
    outcome = grade(suite, item, prompt.role, Reply(text=shown, tokens=len(completion), truncated=truncated))
    tokens = Tokens(generator.encode(prompt), completion)
    return Rollout(
        item,
        tokens,
        suite.reward(outcome),
        hack=outcome.proxy and not outcome.truth,
        solve=outcome.truth,
        truncated=truncated,
    )
