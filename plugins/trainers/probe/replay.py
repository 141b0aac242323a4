"""What the probe measures on a model: gradients of pool replies, and a projected training on them.

Shape notation: N replies, M modules that have a direction, r coordinates of a module, k directions.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.errors import StageError
from harness.models.generate import Generator
from harness.store.teacher_pool import PoolRow
from harness_plugins.trainers.adapters.adapter import Adapter, Vectors
from harness_plugins.trainers.extraction import completion_tokens, nll_gradient
from harness_plugins.trainers.optimizer import Adam, ProjectedOptimizer, Space
from harness_plugins.trainers.projection import measure, split


@dataclass(frozen=True)
class Replayed:
    """A pool reply, its length, and the gradient (r,) by module of its mean NLL; none where the model cannot read it."""

    row: PoolRow
    tokens: int
    gradient: Vectors | None


@dataclass(frozen=True)
class Step:
    """One step of the projected replay: mean cosines over modules, of the hack-ward part, as in `projection.positive_part`."""

    cos_in: float  # of the gradient
    cos_out: float  # of what the projection leaves of it
    fired: float  # share of modules in which something was removed
    plain: float  # of the step that Adam would have made of the whole gradient
    applied: float  # of the step that was made


def gradients(adapter: Adapter, generator: Generator, rows: Sequence[PoolRow]) -> list[Replayed]:
    """The gradient of each reply's mean NLL over its tokens, after its own prompt; none beyond the model's context, or
    where the loss is not finite."""
    replayed = []
    context = generator.loaded.context or math.inf
    for row in rows:
        tokens = completion_tokens(generator, row.prompt, row.reply)
        gradient = None
        if len(tokens.prompt) + len(tokens.completion) <= context:
            try:
                gradient = nll_gradient(adapter, generator, tokens)
            except StageError:  # log-probabilities that are not finite
                gradient = None
        replayed.append(Replayed(row, len(tokens.completion), gradient))
    return replayed


def cosines(rows: Sequence[Replayed], subspaces: Vectors) -> list[float]:
    """cos(g, v) of each reply's whole gradient with v, the modules' first directions laid end to end; nan without one.

    The published norm-weighted cosine Σ⟨g_m, v_m⟩ / √Σ‖g_m‖² is √M times as large. Positive: learning the reply is a step
    towards the hack.
    """
    first = {name: v[0] for name, v in subspaces.items() if len(v)}
    scale = math.sqrt(len(first)) if first else math.nan
    return [math.nan if row.gradient is None else _cosine(row.gradient, first) / scale for row in rows]


def _cosine(gradient: Vectors, first: Vectors) -> float:
    along = torch.stack([gradient[name] @ v for name, v in first.items()]).sum()
    length = torch.stack([gradient[name].square().sum() for name in first]).sum().sqrt()
    return float(along / length) if length > 0 else math.nan


def projected_replay(
    adapter: Adapter,
    generator: Generator,
    rows: Sequence[PoolRow],
    subspaces: Vectors,
    *,
    steps: int,
    batch: int,
    rate: float,
    space: Space,
    seed: int,
) -> list[Step]:
    """Train the adapter on batches of replies with the one-sided projection on. The adapter is moved."""
    optimizer = ProjectedOptimizer(adapter, "erase", "one_sided", space, betas=(0.5, 0.9))
    plain = Adam((0.5, 0.9))
    done = []
    for step in range(steps):
        drawn = random.Random(f"replay:{seed}:{step}").choices(list(rows), [row.times for row in rows], k=batch)
        whole = _mean(
            [nll_gradient(adapter, generator, completion_tokens(generator, r.prompt, r.reply)) for r in drawn]
        )
        before = {name: module.main.detach().clone() for name, module in adapter.modules.items()}
        parts = split(whole, subspaces)
        optimizer.step(whole, subspaces, rate)
        applied = {
            name: ((before[name] - module.main.detach()) / rate).flatten() for name, module in adapter.modules.items()
        }
        done.append(
            Step(
                cos_in=parts.cos_in,
                cos_out=parts.cos_out,
                fired=parts.fired,
                plain=measure(plain.directions(whole), subspaces),
                applied=measure(applied, subspaces),
            )
        )
    return done


def _mean(gradients: Sequence[Vectors]) -> Vectors:
    return {name: torch.stack([one[name] for one in gradients]).mean(dim=0) for name in gradients[0]}
