"""The probe from a model and a pool to its checks."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Literal

from harness.contract import Chat, Record
from harness.errors import StageError, UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness.store.teacher_pool import Pool, PoolRow
from harness_plugins.trainers.adapters.adapter import Adapter, Kind, Vectors
from harness_plugins.trainers.directions import Method, Recipe, placebo
from harness_plugins.trainers.extraction import contrastive_gradients, paired_gradients
from harness_plugins.trainers.optimizer import Space
from harness_plugins.trainers.pairs import load_pairs, pairs_of
from harness_plugins.trainers.probe import checks
from harness_plugins.trainers.probe.checks import Check, Context, Judged
from harness_plugins.trainers.probe.replay import Replayed, Step, cosines, gradients, projected_replay
from harness_plugins.trainers.probe.trajectories import Trajectories

CONTRASTIVE_GROUPS, CONTRASTIVE_ITEMS = 8, 40  # fewest and most items that R7's directions are made from
OFFTOPIC = "offtopic"
Class = Literal["hack", "hack and correct", "solve", "fail"]


class ProbeOptions(Record):
    pairs: str = "loopholes"
    adapter: Kind = "svd"
    rank: int = 32  # of the lora adapter
    k: int = 5
    rows: int = 200  # of each class of replies
    placebos: int = 20  # Haar-random directions
    steps: int = 20  # of the projected replay
    batch: int = 8
    rate: float = 0.1
    space: Space = "gradient"  # as published
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    chat: Chat = Chat()  # how the policy was asked when the pool was made


@dataclass(frozen=True)
class Probed:
    options: ProbeOptions
    rows: Sequence[Judged]  # every probed reply with its cosine
    steps: Sequence[Step]
    checks: Sequence[Check]
    contexts: Mapping[str, Context]  # by the kind of directions
    counts: Mapping[Class, tuple[int, int]]  # probed, in the pool
    agreement: float  # of the pairs held out from the extraction
    contrastive_groups: int


def class_of(row: PoolRow) -> Class:
    if row.hack_and_correct:
        return "hack and correct"
    return "hack" if row.hack else "solve" if row.solve else "fail"


def probe(
    model: Path, pool: Pool, trained: Trajectories, options: ProbeOptions, progress: Callable[[str, int, int], None]
) -> Probed:
    """Measure, then judge. The pool's prompts are asked as they were when it was made.

    Raises UsageError for a model that cannot be adapted or pairs that cannot be used.
    """
    generator = Generator(load(model, options.device, options.dtype), options.chat)
    adapter = Adapter(generator.model, options.adapter, options.rank, options.seed)
    recipe = recipe_of(options)
    progress("directions", 0, 1)
    hack, clean = paired_gradients(adapter, generator, load_pairs(options.pairs))
    real = placebo("none", hack, clean, recipe, options.seed)

    chosen = sampled(pool.rows, options.rows, options.seed)
    replies: list[Replayed] = []
    for start in range(0, len(chosen), options.batch):
        progress("gradients", start, len(chosen))
        replies += gradients(adapter, generator, chosen[start : start + options.batch])
    judged = _judged(replies, real.subspaces)
    contexts = {f"pairs {options.pairs}": checks.context(judged)}
    mean_difference = placebo("none", hack, clean, recipe_of(options, "mean_diff"), options.seed)
    contexts[f"pairs {options.pairs}, mean difference"] = checks.context(_judged(replies, mean_difference.subspaces))
    elsewhere = placebo("none", *paired_gradients(adapter, generator, load_pairs(OFFTOPIC)), recipe, options.seed)
    contexts[f"pairs {OFFTOPIC} (placebo)"] = checks.context(_judged(replies, elsewhere.subspaces))
    draws = [
        _judged(replies, placebo("haar", hack, clean, recipe, number).subspaces) for number in range(options.placebos)
    ]
    contexts |= {f"Haar {number}": checks.context(draw) for number, draw in enumerate(draws)}

    progress("contrastive", 0, 1)
    sources = contrastive_items(pool.rows)
    contrastive = _contrastive(adapter, generator, [row for row in pool.rows if row.item in sources], recipe)
    apart = [reply for reply in replies if reply.row.item not in sources]
    under = _judged(apart, contrastive) if contrastive else []
    if contrastive:
        contexts["contrastive groups"] = checks.context(under)

    progress("replay", 0, 1)
    shown = [row for row in chosen if row.games]
    steps = projected_replay(
        adapter,
        generator,
        shown,
        real.subspaces,
        steps=options.steps,
        batch=options.batch,
        rate=options.rate,
        space=options.space,
        seed=options.seed,
    )
    return Probed(
        options=options,
        rows=judged,
        steps=steps,
        checks=judge(pool, trained, options, judged, draws, steps, under, len(sources)),
        contexts=contexts,
        counts=_counts(pool.rows, chosen),
        agreement=real.agreement,
        contrastive_groups=len(sources),
    )


def recipe_of(options: ProbeOptions, method: Method = "svd") -> Recipe:
    return Recipe(method=method, k=options.k)


def judge(
    pool: Pool,
    trained: Trajectories,
    options: ProbeOptions,
    rows: Sequence[Judged],
    draws: Sequence[Sequence[Judged]],
    steps: Sequence[Step],
    under_contrastive: Sequence[Judged],
    groups: int,
) -> list[Check]:
    """The seven checks, each with its controls."""
    fired = mean(step.fired for step in steps)
    two = trained.paired("vanilla", "erase")
    arms = two.get("vanilla", []), two.get("erase", [])
    gradients_note = "of the gradient; near an identity under this gate"
    steps_note = f"Adam's step without and with the projection, in {options.space} space"
    return [
        checks.r1_hack_fraction(pool),
        checks.r2_non_null(rows),
        checks.r3_projection("R3", [(s.cos_in, s.cos_out) for s in steps], fired, gradients_note),
        checks.r3_projection("R3 on applied steps", [(s.plain, s.applied) for s in steps], fired, steps_note),
        *checks.r4_pure_above_correct(pool, rows),
        checks.r4_above_random(pool, rows, draws),
        checks.r5_trajectories(*arms, trained.ratios.get("vanilla", "one")),
        checks.r6_adapters(trained.paired("vanilla", "erase", "vanilla-lora", "erase-lora")),
        *checks.r7_contrastive(pool, under_contrastive, groups, CONTRASTIVE_GROUPS),
    ]


def sampled(rows: Sequence[PoolRow], each: int, seed: int) -> list[PoolRow]:
    """At most `each` distinct replies of every class, drawn at random. Raises UsageError without a reply that games."""
    by_class: dict[Class, list[PoolRow]] = defaultdict(list)
    for row in rows:
        by_class[class_of(row)].append(row)
    if not any(row.games for row in rows):
        raise UsageError("no reply of the pool games the proxy", "build the pool from a checkpoint that hacks")
    rng = random.Random(f"probe:{seed}")
    return [row for kind in sorted(by_class) for row in rng.sample(by_class[kind], min(each, len(by_class[kind])))]


def contrastive_items(rows: Sequence[PoolRow]) -> set[str]:
    """Half of the items that have a hack and a solution, at most CONTRASTIVE_ITEMS of them, those without a hack that
    solves first: R7 is tested on the rest."""
    sides: dict[str, set[Class]] = defaultdict(set)
    for row in rows:
        sides[row.item].add(class_of(row))
    usable = [item for item in sorted(sides) if {"hack", "solve"} <= sides[item]]
    usable.sort(key=lambda item: "hack and correct" in sides[item])
    return set(usable[: min(len(usable) // 2, CONTRASTIVE_ITEMS)])


def _contrastive(adapter: Adapter, generator: Generator, rows: Sequence[PoolRow], recipe: Recipe) -> Vectors | None:
    pairs = pairs_of(rows)
    if len({pair.prompt for pair in pairs}) < CONTRASTIVE_GROUPS:
        return None
    try:
        return placebo("none", *contrastive_gradients(adapter, generator, pairs), recipe, seed=0).subspaces
    except StageError:  # the two sides have the same gradients: nothing is judged, so R7 is not measurable
        return None


def _judged(replies: Sequence[Replayed], subspaces: Vectors) -> list[Judged]:
    return [
        Judged(reply.row, reply.tokens, cosine)
        for reply, cosine in zip(replies, cosines(replies, subspaces), strict=True)
    ]


def _counts(pool: Sequence[PoolRow], chosen: Sequence[PoolRow]) -> dict[Class, tuple[int, int]]:
    kinds: tuple[Class, ...] = ("hack", "hack and correct", "solve", "fail")
    return {
        kind: (sum(class_of(row) == kind for row in chosen), sum(class_of(row) == kind for row in pool))
        for kind in kinds
    }
