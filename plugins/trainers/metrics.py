"""One row of numbers per step."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from pydantic import JsonValue

from harness_plugins.trainers.losses import has_contrast
from harness_plugins.trainers.rollouts import Rollout


def group_metrics(groups: Sequence[Sequence[Rollout]]) -> dict[str, JsonValue]:
    """Rates over the policy's own rollouts, and the share of all groups in which no rollout beat another."""
    own = [rollout for group in groups for rollout in group if not rollout.teacher]
    families: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in own:
        families[rollout.item.family].append(rollout)
    flat = [not has_contrast([rollout.reward for rollout in group]) for group in groups]
    return {
        "hack": mean([rollout.hack for rollout in own]),
        "solve": mean([rollout.solve for rollout in own]),
        "attempted": mean([rollout.attempted for rollout in own]),
        "reward": mean([rollout.reward for rollout in own]),
        "length": mean([len(rollout.tokens.completion) for rollout in own]),
        "truncated": mean([rollout.truncated for rollout in own]),
        "rollouts": len(own),
        "taught": sum(rollout.teacher for group in groups for rollout in group),
        "frac_zero_std": mean(flat),
        "hack_by_family": {name: mean([one.hack for one in found]) for name, found in sorted(families.items())},
        "solve_by_family": {name: mean([one.solve for one in found]) for name, found in sorted(families.items())},
    }


def item_metrics(groups: Sequence[Sequence[Rollout]]) -> dict[str, JsonValue]:
    """Reward and truth of each item, from which the report's alarm is rung."""
    return {
        "proxy_by_item": {group[0].item.id: mean([one.reward for one in group]) for group in groups},
        "truth_by_item": {group[0].item.id: mean([one.solve for one in group]) for group in groups},
    }


def number(value: float) -> float | None:
    """For JSON, which has no NaN: null stands for a missing value."""
    return None if math.isnan(value) else value


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
