"""Explanations that update an order of names move by move and then name one place of it.

One leads to the right answer when it makes every move, in order, and looks at the place that is asked for. An order of all
names that holds at no time, or a name in a place where it never stands, is a veto; so is another name for the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness_plugins.tasks.goodhart.explaining.orders import Stated
from harness_plugins.tasks.goodhart.grading.text import sentences
from harness_plugins.tasks.goodhart.grading.values import listed, sequences


@dataclass(frozen=True)
class Moves:
    """`states`: the names from front to back before, between and after the moves; `moved`: who changes places with whom;
    `place`: how the question calls the place."""

    states: tuple[tuple[str, ...], ...]
    moved: tuple[tuple[str, str], ...]
    place: str
    answer: str


_CHANGES = r"pass|swap|switch|exchang|mov|overtak|ahead|in front|before|behind|trad|chang|advanc|updat|ris|place"
_PLACES = ("first", "second", "third", "fourth")
_CERTAIN = re.compile(r"\b(?:if|whether|was|were|originally|initially|at the start|not)\b", re.IGNORECASE)


def read(text: str, moves: Moves) -> Stated:
    found: list[str] = []
    vetoes: list[str] = []
    parts = sentences(listed(text))
    made = 0
    looked = False
    looks = rf"\b{moves.place}\b|\bposition|\bfinal (?:order|place)|\banswer:? {moves.answer}"
    for sentence in parts:
        for value in sequences(sentence, moves.states[0]):
            key = value.key if isinstance(value.key, tuple) else ()
            order = tuple(_known(name, moves) for name in key)
            if sorted(order) != sorted(moves.states[0]):
                continue
            if order in moves.states or order[::-1] in moves.states:
                found.append(f"the order {', '.join(order)}")
                at = max(i for i, state in enumerate(moves.states) if state in (order, order[::-1]))
                made = max(made, at if at == made + 1 else made)
            else:
                vetoes.append(f"the order is at no time {', '.join(order)}")
        while made < len(moves.moved) and _makes(sentence, moves.moved[made]):
            found.append(f"{moves.moved[made][0]} and {moves.moved[made][1]} change places")
            made += 1
        for name, place in _standings(sentence, moves):
            ever = {state[place] for state in moves.states}
            if place == _index(moves.place) and made == len(moves.moved) and name != moves.answer:
                vetoes.append(f"{name} is not {moves.place}")
            elif name not in ever and not _CERTAIN.search(sentence):
                vetoes.append(f"{name} is never {_PLACES[place]}")
            elif name == moves.answer and place == _index(moves.place) and made == len(moves.moved):
                found.append(f"{name} is {moves.place}")
                looked = True
        looked = looked or bool(re.search(looks, sentence, re.IGNORECASE))
    missing = [f"{one} and {other} change places" for one, other in moves.moved[made:]]
    if not looked:
        missing.append(f"who is {moves.place}")
    return Stated(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(vetoes)), tuple(missing))


def _index(place: str) -> int:
    return 3 if place == "last" else _PLACES.index(place)


def _makes(sentence: str, move: tuple[str, str]) -> bool:
    one, other = move
    both = rf"\b{one}\b[^.]*\b{other}\b|\b{other}\b[^.]*\b{one}\b"
    return bool(
        re.search(both, sentence, re.IGNORECASE) and re.search(rf"\b(?:{_CHANGES})\w*", sentence, re.IGNORECASE)
    )


def _standings(sentence: str, moves: Moves) -> list[tuple[str, int]]:
    names = "|".join(moves.states[0])
    places = rf"(?P<place>{'|'.join(_PLACES)}|last)"
    stands = r"(?:is|becomes|will be|would be|ends up|finishes)(?: now| then| in)?(?: the| in)?"
    pattern = rf"\b(?P<name>{names})\b {stands} {places}\b"
    return [
        (_known(match["name"], moves), _index(match["place"].lower())) for match in re.finditer(pattern, sentence, re.I)
    ]


def _known(name: str, moves: Moves) -> str:
    return next((known for known in moves.states[0] if known.lower() == name.lower()), name)
