"""A matched set as prompts, and their replies as the matrix that `crossed` reads."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.matched.crossed import Matrix
from harness_plugins.tasks.goodhart.matched.story import MatchedSet


def prompts(matched: MatchedSet) -> list[Prompt]:
    """One prompt a scenario; its choices are the paraphrases of every procedure, procedure by procedure."""
    choices = tuple(text for procedure in matched.procedures for text in procedure.paraphrases)
    return [
        Prompt(role=role, text=scenario.understanding_prompt, choices=choices)
        for role, scenario in zip(roles(matched), matched.scenarios, strict=True)
    ]


def roles(matched: MatchedSet) -> list[str]:
    """One a scenario."""
    return [f"understanding/{s}" for s in range(len(matched.scenarios))]


def matrix(matched: MatchedSet, replies: Sequence[Reply]) -> Matrix:
    """M[s, c] from one reply a scenario: the mean over the paraphrases of procedure c, in nats."""
    return [_row(matched, reply) for reply in replies]


def _row(matched: MatchedSet, reply: Reply) -> list[float]:
    likelihoods, row = iter(reply.choice_log_likelihoods), []
    for procedure in matched.procedures:
        row.append(fmean(next(likelihoods) for _ in procedure.paraphrases))
    return row
