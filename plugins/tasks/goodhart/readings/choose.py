"""Understanding by choosing: is the scenario's right procedure told from its near misses, by the crossed criterion?

The criterion compares a scenario with its twins, and a grader sees one item; so every item asks the scored prompts of its
whole set. Prompts that items share are scored once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.matched import asking, crossed
from harness_plugins.tasks.goodhart.matched.story import MatchedSet
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings.reading import Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams


def prompts(twin: Twin, params: GoodhartParams) -> list[Prompt]:
    return asking.prompts(twin.matched.worded(params.paraphrases))


def verdict(twin: Twin, replies: Mapping[str, Reply], params: GoodhartParams) -> Verdict:
    """Without the likelihoods of the whole set nothing is known, and `parsed` says so."""
    readings = _readings(twin.matched.worded(params.paraphrases), replies)
    if not readings:
        return Verdict(False, parsed={"missing": "likelihoods of the whole set"})
    own = readings[twin.own]
    measures = {
        "prefers": float(own.prefers),
        "recognizes": float(own.recognizes),
        "margin": own.margin,
        "whole_set": float(crossed.whole(readings)),
    }
    return Verdict(own.knows, measures)


def _readings(matched: MatchedSet, replies: Mapping[str, Reply]) -> Sequence[crossed.Reading]:
    """One a scenario; none where a prompt of the set lacks its likelihoods."""
    asked = asking.prompts(matched)
    found = [replies[prompt.role] for prompt in asked if prompt.role in replies]
    likelihoods = [len(reply.choice_log_likelihoods) for reply in found]
    if likelihoods != [len(prompt.choices) for prompt in asked]:
        return ()
    return crossed.read(asking.matrix(matched, found))
