"""Which proposals a policy learns from. No filter sees the truth: a suite's measures say what is valid and what ran."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from harness.errors import UsageError
from harness_plugins.trainers.self_training.proposals import Proposal
from harness_plugins.trainers.self_training.spec import Filter

TEXT, TOOLS = 0.6, 0.4  # weights of likeness, as published; there TEXT was a cosine of sentence embeddings


def keep(name: Filter, proposals: Sequence[Proposal], agreement: float, seed: int, cycle: int) -> list[Proposal]:
    """In order. Raises UsageError for a filter whose measure the suite does not take."""
    accepted = [proposal for proposal in proposals if proposal.outcome.proxy]
    if name == "none":
        return accepted
    if name == "random":
        places = random.Random(f"inversion:{seed}:{cycle}").sample(range(len(proposals)), len(accepted))
        return [proposals[place] for place in sorted(places)]
    if name == "reproducible":
        return [proposal for proposal in reproduced(proposals, agreement) if proposal.outcome.proxy]
    return [proposal for proposal in accepted if _measure(proposal, name)]


def reproduced(proposals: Sequence[Proposal], agreement: float) -> list[Proposal]:
    """Those that ran and are like another one for their item that ran."""
    by_item: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in proposals:
        if _measure(proposal, "executed"):
            by_item[proposal.item.id].append(proposal)
    return [
        one
        for group in by_item.values()
        for one in group
        if any(other is not one and likeness(one, other) >= agreement for other in group)
    ]


def likeness(one: Proposal, other: Proposal) -> float:
    """Between 0 and 1: difflib's ratio of what they say, and the share of tools that both use."""
    ratio = SequenceMatcher(None, one.quoted, other.quoted, autojunk=False).ratio()
    mine, theirs = _tools(one), _tools(other)
    return TEXT * ratio + TOOLS * (len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0)


def _tools(proposal: Proposal) -> set[str]:
    tools = proposal.outcome.parsed.get("tools")
    return set(map(str, tools)) if isinstance(tools, list) else set()


def _measure(proposal: Proposal, name: str) -> bool:
    if name not in proposal.outcome.measures:
        raise UsageError(f"the suite does not measure what is {name}, so nothing can be filtered by it", "filter=none")
    return proposal.outcome.measures[name] == 1
