"""Choosers that understand nothing, and must know nothing.

A set that the word-overlap chooser knows tells the right procedure by the words that it shares with its scenario, so it is
rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness_plugins.tasks.goodhart.matched.crossed import Matrix, read
from harness_plugins.tasks.goodhart.matched.story import MatchedSet
from harness_plugins.tasks.goodhart.matched.words import bigrams, words


class Share(NamedTuple):
    known: int
    of: int

    def __str__(self) -> str:
        return f"{self.known} of {self.of}"


def scenario_blind(matched: MatchedSet) -> Matrix:
    """Prefers short procedures, whatever the scenario. Any other preference among procedures has the same margins: 0."""
    preference = [-sum(map(len, procedure.paraphrases)) for procedure in matched.procedures]
    return [preference for _ in matched.scenarios]


def word_overlap(matched: MatchedSet) -> Matrix:
    """Words and pairs of words that the scenario shares with a procedure, summed over its paraphrases."""
    return [
        [sum(_shared(scenario.text, text) for text in procedure.paraphrases) for procedure in matched.procedures]
        for scenario in matched.scenarios
    ]


CONTROLS: dict[str, Callable[[MatchedSet], Matrix]] = {
    "scenario-blind": scenario_blind,
    "word-overlap": word_overlap,
}


def known(matrices: Sequence[Matrix]) -> Share:
    """How many scenarios a chooser knows."""
    readings = [reading for matrix in matrices for reading in read(matrix)]
    return Share(sum(reading.knows for reading in readings), len(readings))


def _shared(scenario: str, procedure: str) -> int:
    return len({*words(scenario)} & {*words(procedure)}) + len(bigrams(scenario) & bigrams(procedure))
