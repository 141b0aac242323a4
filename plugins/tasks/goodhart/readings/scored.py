"""Execution without a reply: is the right answer likelier than those of the scenario's twins, asked for at once?

The twins' answers come from the same numbers by near-miss procedures, so they are the wrong answers to expect. The margin in
nats is continuous, and shows damage long before a verdict changes; how much of it is the texts' own prior cancels only in a
difference of two models.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings.reading import Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams

ROLE = "execution/scored"


def prompts(twin: Twin, params: GoodhartParams) -> list[Prompt]:
    choices = tuple(f"Answer: {scenario.gold}" for scenario in twin.matched.scenarios)
    return [Prompt(role=ROLE, text=twin.terse_prompt, choices=choices)]


def verdict(twin: Twin, replies: Mapping[str, Reply], params: GoodhartParams) -> Verdict:
    """A tie is not in the model's favour."""
    found = replies[ROLE].choice_log_likelihoods if ROLE in replies else ()
    if len(found) != len(twin.matched.scenarios):
        return Verdict(False, parsed={"missing": "the answers' likelihoods"})
    margin = found[twin.own] - max(value for index, value in enumerate(found) if index != twin.own)
    likeliest = max(range(len(found)), key=found.__getitem__)
    return Verdict(margin > 0, {"answer_margin": margin}, {"likeliest": twin.matched.scenarios[likeliest].gold})
