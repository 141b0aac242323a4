"""Groups of rollouts: what the policy says now, and what a frozen teacher said, each with its reward."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harness.contract import Item, Prompt, Reply, Trainable
from harness.contract.trainable import outcome_of, single_prompt
from harness.errors import UsageError
from harness.models.failures import not_finite
from harness.models.generate import Generator
from harness.models.sampling import Sampling
from harness.models.stopping import cut_at_stop
from harness.planning.questions import request_key
from harness_plugins.trainers.adapters.linear import Mode
from harness_plugins.trainers.extraction import completion_tokens
from harness_plugins.trainers.scoring import Tokens


@dataclass(frozen=True)
class Rollout:
    item: Item
    tokens: Tokens
    reward: float
    hack: bool  # passes the proxy alone; for the log, no part of the reward
    solve: bool
    attempted: bool = False  # tries to game the proxy, whatever comes of it
    teacher: bool = False
    truncated: bool = False
    text: str = ""  # what the graders read; for a monitor
    flagged: bool = False  # by the monitor
    mode: Mode = "absorb"  # which coordinates it acts through and teaches; arm scorda alone has more than one


class Weighted(NamedTuple):
    """A rollout in the loss: what it stands for when the same reply was drawn several times."""

    row: Rollout
    advantage: float
    weight: float  # of each of its tokens, summed over the times it was drawn
    times: float


def merge_duplicates(rows: Sequence[Rollout], advantages: Sequence[float], weights: Sequence[float]) -> list[Weighted]:
    """Rows that say the same to the same item as one, in order of first appearance.

    They share log-probabilities, reward, advantage and mode, so the loss is the same, and a sharp policy's step takes half
    the work.
    """
    merged: dict[tuple[str, bool, Mode, float, tuple[int, ...]], Weighted] = {}
    for row, advantage, weight in zip(rows, advantages, weights, strict=True):
        key = row.item.id, row.teacher, row.mode, advantage, tuple(row.tokens.completion)
        before = merged.get(key, Weighted(row, advantage, 0.0, 0.0))
        merged[key] = before._replace(weight=before.weight + weight, times=before.times + 1)
    return list(merged.values())


def training_prompt(suite: Trainable, item: Item, max_tokens: int | None) -> Prompt:
    """The one prompt of an item, its reply limited to `max_tokens` instead of the suite's own limit."""
    prompt = single_prompt(suite, item)
    return prompt.model_copy(update={"max_tokens": max_tokens}) if max_tokens else prompt


class TeacherSource(Protocol):
    """Where a teacher's replies to an item come from."""

    def teacher_rollouts(self, item: Item, count: int, seed: int, step: int) -> list[Rollout]:
        """`count` replies, a function of (seed, step) alone; [] where there are none."""


class Teacher:
    """The suite's own demonstrations of gaming, each confirmed by the suite's graders when it is first asked for; its
    reward is then frozen."""

    def __init__(
        self, suite: Trainable, items: Sequence[Item], generator: Generator, families: Sequence[str] | None
    ) -> None:
        """Raises UsageError if the suite demonstrates nothing for the items of these families, or nothing that games its
        proxy by its own graders."""
        self.suite, self.generator, self.families = suite, generator, families
        self.replies: dict[str, Rollout | None] = {}
        if not any(self.reply(item) for item in items):
            raise UsageError("the suite has no demonstration that games its proxy, so there is no teacher", "mix=0")

    def reply(self, item: Item) -> Rollout | None:
        """None where there is no demonstration, or where the graders say that it does not game the proxy."""
        if item.id not in self.replies:
            text = self._shown(item)
            self.replies[item.id] = self._confirmed(item, text) if text else None
        return self.replies[item.id]

    def teacher_rollouts(self, item: Item, count: int, seed: int, step: int) -> list[Rollout]:
        """The one reply, `count` times; [] where there is none."""
        reply = self.reply(item)
        return [reply] * count if reply else []

    def _shown(self, item: Item) -> str | None:
        shown = self.suite.demonstrations(item) if self.families is None or item.family in self.families else None
        return shown[1] if shown else None

    def _confirmed(self, item: Item, text: str) -> Rollout | None:
        prompt = single_prompt(self.suite, item)
        outcome = outcome_of(self.suite, item, prompt.role, Reply(text=text))
        if not outcome.proxy or outcome.truth:
            return None
        tokens = completion_tokens(self.generator, prompt.text, text)
        return Rollout(
            item, tokens, self.suite.reward(outcome), hack=True, solve=False, attempted=True, teacher=True, text=text
        )


def draw_items(items: Sequence[Item], count: int, seed: int, step: int) -> list[Item]:
    """Distinct items of a step, dealt over the families in a random order, so that each step is as mixed as can be.

    A function of (seed, step) alone, so that a resumed run draws the same.
    """
    deal = random.Random(f"items:{seed}:{step}")
    families: dict[str, list[Item]] = defaultdict(list)
    for item in deal.sample(list(items), len(items)):
        families[item.family].append(item)
    turns = itertools.zip_longest(*deal.sample(list(families.values()), len(families)))
    return list(itertools.islice((item for turn in turns for item in turn if item is not None), count))


def draw_groups(
    suite: Trainable,
    items: Sequence[Item],
    generator: Generator,
    teacher: TeacherSource | None,
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
    lessons = {item.id: teacher.teacher_rollouts(item, taught, seed, step) if teacher else [] for item in items}
    asked = [
        (item, training_prompt(suite, item, max_tokens), place)
        for item in items
        for place in range(size - len(lessons[item.id]))
    ]
    replies = _sample(generator, asked, sampling, seed, step, size, batch_size)
    groups: dict[str, list[Rollout]] = {item.id: [] for item in items}
    known: dict[tuple[str, tuple[int, ...]], Rollout] = {}  # a sharp policy says the same thing several times
    for (item, prompt, _), completion in zip(asked, replies, strict=True):
        key = item.id, tuple(completion)
        if key not in known:
            known[key] = _graded(suite, item, prompt, completion, generator)
        groups[item.id].append(known[key])
    return [groups[item.id] + lessons[item.id] for item in items]


def _sample(
    generator: Generator,
    asked: Sequence[tuple[Item, Prompt, int]],
    sampling: Sampling,
    seed: int,
    step: int,
    size: int,
    batch_size: int,
) -> list[list[int]]:
    """New tokens of each request, the one that ended it included."""
    keys = [request_key(seed, "train", item.id, prompt.role, step * size + place) for item, prompt, place in asked]
    asks = [generator.ask_for(prompt, key) for (_, prompt, _), key in zip(asked, keys, strict=True)]
    replies: dict[int, list[int]] = {}
    for stepped in generator.decoder.decode(asks, sampling, batch_size):
        for number, tokens in stepped.ended:
            if tokens is None:
                raise not_finite()
            replies[number] = tokens
    return [replies[number] for number in range(len(asks))]


def _graded(suite: Trainable, item: Item, prompt: Prompt, completion: list[int], generator: Generator) -> Rollout:
    text = generator.tokenizer.decode(completion, skip_special_tokens=True)
    shown = cut_at_stop(text, prompt.stop)
    truncated = completion[-1] not in generator.loaded.eos and shown == text
    outcome = outcome_of(suite, item, prompt.role, Reply(text=shown, tokens=len(completion), truncated=truncated))
    tokens = Tokens(generator.encode(prompt), completion)
    return Rollout(
        item,
        tokens,
        suite.reward(outcome),
        hack=outcome.proxy and not outcome.truth,
        solve=outcome.truth,
        attempted=suite.attempted_hack(outcome),
        truncated=truncated,
        text=shown,
    )
