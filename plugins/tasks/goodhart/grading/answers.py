"""The strict grader of execution: which value does the reply finally give, and is it the gold answer?

The final answer is what the last explicit statement says ("Answer: …", "the answer is …", `\\boxed{…}`, or the bold part of
the last line); without one, what the last sentence that states a value of the right kind concludes. Work shown before it
does not count, a later correction does. A reply that hedges, contradicts itself in its answer, takes its answer back, or
gives no value has no answer, and no answer is wrong.

Limits: answers in words ("fifteen") are not read; an answer outside an explicit statement is read by the form of its sentence,
so unusual prose may be misread, mostly as wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness_plugins.tasks.goodhart.grading import phrases, units
from harness_plugins.tasks.goodhart.grading.text import dissolve, sentences, unemphasised, without_echo
from harness_plugins.tasks.goodhart.grading.value import Value
from harness_plugins.tasks.goodhart.grading.values import Kind, find, listed


@dataclass(frozen=True)
class Question:
    """What the grader knows of an item: the kind of answer, its unit, the names in play, and the prompt (to spot echoes)."""

    kind: Kind
    unit: str = ""
    names: tuple[str, ...] = ()
    prompt: str = ""

    def find(self, text: str) -> list[Value]:
        return find(text, self.kind, self.names, self.unit)


@dataclass(frozen=True)
class Reading:
    """The final answer, or None and the problem with it."""

    value: Value | None
    problem: str = ""

    @property
    def text(self) -> str:
        return self.value.text if self.value else ""


MOST_VALUES = 30  # in one sentence; more is a list of something, not an answer
LOOK_BACK = 60  # characters before a value that tell how it is meant


def final_answer(reply: str, question: Question) -> Reading:
    """What the reply finally answers. Never raises."""
    marked = dissolve(without_echo(reply, question.prompt))
    text = unemphasised(marked)
    if question.kind == "sequence":
        text = listed(text)
    if not text.strip():
        return Reading(None, "empty")
    statements = list(phrases.STATEMENT.finditer(text))
    if statements:
        return _stated(text[statements[-1].end() :], question)
    if bold := _bold_conclusion(marked, question):
        return bold
    return _concluded(sentences(text), question)


def is_right(reading: Reading, gold: str, question: Question) -> bool:
    """Whether the final answer has the gold answer's value, and no unit but the question's."""
    target = gold_value(gold, question)
    if reading.value is None or not reading.value.equals(target):
        return False
    return reading.value.unit in ("", units.canonical(question.unit) or question.unit)


def gold_value(gold: str, question: Question) -> Value:
    """The gold answer as a value. ValueError when it cannot be read as one of the question's kind: a fault of the suite."""
    found = find(gold, question.kind, (*question.names, gold) if question.kind == "name" else question.names)
    if len(found) != 1 or found[0].key is None:
        raise ValueError(f"gold answer {gold!r} is not a {question.kind}")
    return found[0]


def _stated(after: str, question: Question) -> Reading:
    """Reads an explicit statement: the sentence after it, unless a later sentence corrects, hedges or retracts it."""
    rest = sentences(f": {after.lstrip()}")  # the colon keeps "15. So" from passing for item 15 of a list
    if not after.strip():
        return Reading(None, "no value after the word answer")
    reading = _read(rest[0], question, explicit=True)
    for sentence in rest[1:]:
        values = _affirmed(sentence, question)
        others = [value for value in values if not (reading.value and value.equals(reading.value))]
        if phrases.RETRACTION.search(sentence) and not others:
            return Reading(None, "retracted")
        if not others:
            continue
        if phrases.SECOND_THOUGHT.search(sentence) or _is_bare(sentence, others[0]):
            return Reading(None, "hedged")
        if len(others) < len(values) and not phrases.HEDGE.search(sentence[values[0].start : values[-1].start]):
            continue  # it says the answer again, among other things
        if phrases.CORRECTION.search(sentence):
            reading = _read(sentence, question, explicit=False)
    return reading


def _is_bare(sentence: str, value: Value) -> bool:
    return not (sentence[: value.start] + sentence[value.end :]).strip(" .!?;:")


def _bold_conclusion(marked: str, question: Question) -> Reading | None:
    """The bold part of the last line, when that line has exactly one bold value."""
    lines = [line for line in marked.splitlines() if line.strip()]
    bolds = [bold.group(1) for bold in phrases.BOLD.finditer(lines[-1])] if lines else []
    with_value = [bold for bold in bolds if _affirmed(bold, question)]
    if len(with_value) != 1 or phrases.HEDGE.search(lines[-1]) or phrases.RETRACTION.search(lines[-1]):
        return None
    if not _affirmed(lines[-1], question):
        return None
    return _read(with_value[0], question, explicit=True)


def _concluded(parts: list[str], question: Question) -> Reading:
    """Reads the last sentence that states a value."""
    for sentence in reversed(parts):
        if _affirmed(sentence, question):
            return _read(sentence, question, explicit=False)
        if phrases.RETRACTION.search(sentence):
            return Reading(None, "retracted")
    return Reading(None, "no value")


def _affirmed(text: str, question: Question) -> list[Value]:
    """The values of a text that it does not deny."""
    return [
        value
        for value in question.find(text)
        if not phrases.DENIED_BEFORE.search(_before(text, value)) and not phrases.DENIED_AFTER.match(text, value.end)
    ]


def _before(text: str, value: Value) -> str:
    return text[max(0, value.start - LOOK_BACK) : value.start]


def _read(sentence: str, question: Question, *, explicit: bool) -> Reading:
    """The one value that a sentence answers with. An explicit statement may not offer a choice; prose may lead up to it."""
    values = _affirmed(sentence, question)
    if not explicit and question.unit:
        values = _of_the_dimension(values, question) or values
    if not values:
        return Reading(None, "no value")
    if len(values) > MOST_VALUES:
        return Reading(None, "too many values in one sentence")
    if all(value.equals(values[0]) for value in values):
        if question.kind == "number" and any(_is_bound(sentence, value) for value in values):
            return Reading(None, "a bound, no value")
        return Reading(next((value for value in values if value.unit), values[0]))  # "6.3, that is 6.3 km" has a unit
    if phrases.HEDGE.search(sentence[values[0].start : values[-1].start]) or phrases.HEDGE.match(sentence.lstrip()):
        return Reading(None, "hedged")
    chosen = _chosen(sentence, values, question.kind, explicit=explicit)
    if chosen is None:
        return Reading(None, "contradictory")
    if question.kind == "number" and _is_bound(sentence, chosen):
        return Reading(None, "a bound, no value")
    if _has_alternative(sentence, values, chosen):
        return Reading(None, "hedged or unfinished")
    return Reading(chosen)


def _of_the_dimension(values: Sequence[Value], question: Question) -> list[Value]:
    """Without the years and percents of a sentence that answers in dollars."""
    wanted = units.dimension(units.canonical(question.unit))
    return [value for value in values if value.unit == "" or units.dimension(value.unit) in (wanted, units.RATE)]


def _chosen(sentence: str, values: Sequence[Value], kind: Kind, *, explicit: bool) -> Value | None:
    """Among several values: the first when the rest only explains it, the result of an equation, in prose the conclusion."""
    if rounded := [value for value in values if phrases.ROUNDED.search(_before(sentence, value))]:
        return rounded[-1]
    if explicit and len(values) > 1 and _is_second_value(sentence, *values[:2]):
        return None
    if explicit and phrases.QUALIFIER.match(sentence, values[0].end):
        return values[0]
    equated = [value for value in values if phrases.EQUALS.search(_before(sentence, value))]
    if equated and (equated[-1] is values[-1] or phrases.QUALIFIER.match(sentence, equated[-1].end)):
        return equated[-1]
    if explicit:
        return values[-1] if phrases.STATES.search(_before(sentence, values[-1])) else None
    if kind == "name" and phrases.SUBJECT.match(sentence, values[0].end):
        return values[0]
    for value in values[:-1]:
        chained = any(
            phrases.CHAINED.search(sentence[value.end : later.start]) for later in values if later.start > value.start
        )
        if (
            phrases.STATES.search(_before(sentence, value))
            and phrases.QUALIFIER.match(sentence, value.end)
            and not chained
        ):
            return value
    return values[-1]


def _is_bound(sentence: str, value: Value) -> bool:
    """ "At least 15", "15 or more": no value is named."""
    return bool(phrases.BOUND_BEFORE.search(_before(sentence, value)) or phrases.BOUND_AFTER.match(sentence, value.end))


def _is_second_value(sentence: str, first: Value, second: Value) -> bool:
    """ "15 (20)": brackets with nothing in them but another value, of no other unit."""
    around = sentence[first.end : second.start].strip() == "(" and sentence[second.end :].lstrip().startswith(")")
    return around and not first.equals(second) and second.unit in ("", first.unit)


def _has_alternative(sentence: str, values: Sequence[Value], chosen: Value) -> bool:
    """Whether "or", a range or an operator ties the chosen value to a different neighbour."""
    index = values.index(chosen)
    neighbours = list(values[max(0, index - 1) : index + 2])
    return any(
        not left.equals(right) and phrases.ALTERNATIVE.fullmatch(sentence[left.end : right.start])
        for left, right in pairwise(neighbours)
    )
