"""The faults that spoil a matched set, each named in one line. A sound set has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from harness_plugins.tasks.goodhart.matched.controls import CONTROLS
from harness_plugins.tasks.goodhart.matched.crossed import read
from harness_plugins.tasks.goodhart.matched.story import MatchedSet
from harness_plugins.tasks.goodhart.matched.words import numbers, states, tokens, words

PARAPHRASES = 3  # at least
LONGER = 1.2  # the longest procedure over the shortest, in words, numbers and signs, within one paraphrase
ALIKE = 0.8  # shared words over all words, from which two paraphrases count as one wording


def paraphrases(matched: MatchedSet) -> Iterator[str]:
    for i, procedure in enumerate(matched.procedures, 1):
        texts = [text for text in procedure.paraphrases if text.strip()]
        if len(texts) < PARAPHRASES:
            yield f"procedure {i} has {len(texts)} paraphrases, {PARAPHRASES} are needed"
        for (a, one), (b, other) in combinations(enumerate(texts, 1), 2):
            first, second = {*words(one)}, {*words(other)}
            if len(first & second) >= ALIKE * len(first | second):
                yield f"procedure {i}: paraphrases {a} and {b} have the same wording"


def right_procedures(matched: MatchedSet) -> Iterator[str]:
    for s, scenario in enumerate(matched.scenarios, 1):
        right = [i for i, procedure in enumerate(matched.procedures, 1) if procedure.value == scenario.gold]
        if right != [s]:
            yield f"scenario {s}: the right procedures are {' and '.join(map(str, right)) or 'none'}, not {s} alone"


def answers(matched: MatchedSet) -> Iterator[str]:
    for i, procedure in enumerate(matched.procedures, 1):
        for a, text in enumerate(procedure.paraphrases, 1):
            for scenario in matched.scenarios:
                if states(text, scenario.gold) and scenario.gold not in numbers(scenario.text):
                    yield f"procedure {i}, paraphrase {a} repeats the answer {scenario.gold}"


def lengths(matched: MatchedSet) -> Iterator[str]:
    for a, texts in enumerate(zip(*(procedure.paraphrases for procedure in matched.procedures), strict=False), 1):
        counts = [len(tokens(text)) for text in texts]
        if max(counts) > LONGER * min(counts):
            yield f"paraphrase {a}: procedures of {min(counts)} to {max(counts)} words, more than {LONGER - 1:.0%} apart"


def given_numbers(matched: MatchedSet) -> Iterator[str]:
    given = set().union(*(numbers(scenario.text) for scenario in matched.scenarios))
    for i, procedure in enumerate(matched.procedures, 1):
        for a, text in enumerate(procedure.paraphrases, 1):
            if left_out := sorted(given - numbers(text)):
                yield f"procedure {i}, paraphrase {a} leaves out {', '.join(left_out)}"


def controls(matched: MatchedSet) -> Iterator[str]:
    for name, chooser in CONTROLS.items():
        for s, reading in enumerate(read(chooser(matched)), 1):
            if reading.knows:
                yield f"the {name} chooser knows scenario {s}"


RULES: dict[str, Callable[[MatchedSet], Iterator[str]]] = {
    "three paraphrases": paraphrases,
    "one right procedure": right_procedures,
    "no answer given away": answers,
    "equal lengths": lengths,
    "every number named": given_numbers,
    "nothing known by the controls": controls,
}


def faults(matched: MatchedSet) -> list[str]:
    return [fault for rule in RULES.values() for fault in rule(matched)]
