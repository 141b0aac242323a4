"""What a training-time monitor does to a step's groups: it marks what it flags, and lowers its reward or takes it out.

The monitor is a detector: it sees views, which hold no truth, and it is wrong at times. It sees all that is trained on,
the teacher's replies too. What it flags is compared with the truth for the log alone.

A penalty works as long as E[reward | hack] stays below what an honest failure earns: with 1.0 for passing, 1.5 does
down to a recall of two thirds.

The placebo deals the same number of flags to rollouts at random, so that what is left of the monitor is how much it interferes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from harness.contract import Flag, Reply, Trainable, TrainContext, View
from harness.contract.trainable import single_prompt
from harness.detection.views import make_view
from harness.errors import StageError, UsageError
from harness_plugins.trainers.losses import has_contrast
from harness_plugins.trainers.rollouts import Rollout
from harness_plugins.trainers.spec import GrpoParams

Monitor = Callable[[Sequence[View]], Sequence[Flag]]
Groups = list[list[Rollout]]


@dataclass(frozen=True)
class Shaping:
    monitor: Monitor
    penalty: float = 0.0  # subtracted from the reward of what is flagged
    screening: bool = False  # what is flagged is left out of its group, and so out of the group's mean
    permuted: int | None = None  # the placebo, by its seed: the flags are dealt to rollouts at random

    def __call__(self, suite: Trainable, groups: Groups, step: int) -> tuple[Groups, dict[str, JsonValue]]:
        """The groups as they are learnt from, and what the monitor did, for the step's row."""
        flat = [rollout for group in groups for rollout in group]
        flags = self.monitor([view_of(suite, rollout, step) for rollout in flat])
        if len(flags) != len(flat):
            raise StageError(f"the monitor returned {len(flags)} flags for {len(flat)} rollouts")
        flagged = [flag.flagged and not flag.abstained for flag in flags]
        if self.permuted is not None:
            flagged = permuted_flags(flagged, [rollout.teacher for rollout in flat], self.permuted, step)
        row = _monitored(flat, flags, flagged)
        if self.screening:
            row["screened"] = sum(flagged)
        remaining = iter(flagged)
        with_gaps = [[self._shaped(rollout, next(remaining)) for rollout in group] for group in groups]
        shaped = [[rollout for rollout in group if rollout is not None] for group in with_gaps]
        flat_groups = [not has_contrast([rollout.reward for rollout in group]) for group in shaped]
        return shaped, {**row, "frac_zero_std": sum(flat_groups) / len(flat_groups)}

    def _shaped(self, rollout: Rollout, flagged: bool) -> Rollout | None:
        if not flagged:
            return rollout
        return None if self.screening else replace(rollout, reward=rollout.reward - self.penalty, flagged=True)


def shaping_of(params: GrpoParams, context: TrainContext) -> Shaping | None:
    """Raises UsageError if the parameters name a monitor and the context has none."""
    if params.monitor is None:
        return None
    if context.monitor is None:
        raise UsageError(f"the monitor {params.monitor!r} was not given to the trainer", "set TrainContext.monitor")
    permuted = context.seed if params.placebo == "permuted_flags" else None
    return Shaping(context.monitor, params.penalty, params.screening, permuted)


def permuted_flags(flagged: Sequence[bool], taught: Sequence[bool], seed: int, step: int) -> list[bool]:
    """A step's flags in another order: the teacher's rollouts (`taught`) and the policy's keep their numbers of them.

    Both lists have one entry a rollout. A function of (seed, step) alone, so that a resumed run deals the same.
    """
    deal = random.Random(f"flags:{seed}:{step}")
    dealt = {}
    for teacher in (False, True):
        own = [flag for flag, one in zip(flagged, taught, strict=True) if one is teacher]
        dealt[teacher] = iter(deal.sample(own, len(own)))
    return [next(dealt[teacher]) for teacher in taught]


def view_of(suite: Trainable, rollout: Rollout, step: int) -> View:
    """What the monitor sees of a rollout. Rollouts of one prompt and one policy are one group."""
    role = single_prompt(suite, rollout.item).role
    reply = Reply(text=rollout.text, tokens=len(rollout.tokens.completion), truncated=rollout.truncated)
    return make_view(suite, rollout.item, {role: reply}, group=f"{step}:{rollout.item.id}")


def _monitored(rollouts: Sequence[Rollout], flags: Sequence[Flag], flagged: Sequence[bool]) -> dict[str, JsonValue]:
    """Shares of the policy's own rollouts, by success (hacks and the rest) and by attempt, and of the teacher's.

    A failed attempt is among the rest: a flag on it counts as a false alarm there, and as a hit among the attempts.
    """

    def share(chosen: Callable[[Rollout], bool]) -> float | None:
        seen = [flag for rollout, flag in zip(rollouts, flagged, strict=True) if chosen(rollout)]
        return sum(seen) / len(seen) if seen else None

    return {
        "flagged": share(lambda rollout: not rollout.teacher),
        "flagged_of_hacks": share(lambda rollout: not rollout.teacher and rollout.hack),
        "flagged_of_rest": share(lambda rollout: not rollout.teacher and not rollout.hack),
        "flagged_of_attempts": share(lambda rollout: not rollout.teacher and rollout.attempted),
        "flagged_without_attempt": share(lambda rollout: not rollout.teacher and not rollout.attempted),
        "flagged_of_teacher": share(lambda rollout: rollout.teacher),
        "abstained": sum(flag.abstained for flag in flags),
    }
