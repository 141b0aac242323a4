"""Understanding by letters: choosing, for models that give no likelihoods. How often a procedure is picked takes the place of
its log-likelihood in the crossed criterion."""

from __future__ import annotations

from collections.abc import Mapping

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.matched import crossed, letters
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings.reading import Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams


def prompts(twin: Twin, params: GoodhartParams) -> list[Prompt]:
    return letters.prompts(twin.matched)


def verdict(twin: Twin, replies: Mapping[str, Reply], params: GoodhartParams) -> Verdict:
    """A reply that picks no letter counts for no procedure; a tie is not known."""
    matrix, read = letters.counts(twin.matched, replies)
    own = crossed.read(matrix)[twin.own]
    asked = len(letters.prompts(twin.matched))
    measures = {"letter_margin": own.margin, "letters_read": read / asked}
    return Verdict(own.knows, measures, {"letters": f"{read} of {asked}"})
