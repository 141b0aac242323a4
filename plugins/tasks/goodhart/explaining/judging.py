"""The entry: does this explanation, carried out as written, lead to the right answer of this scenario?

Every statement and number that can be recomputed is, and a wrong one is a veto. What a step is called decides nothing: a noun
means what the explanation says it is. A heading counts where its body does nothing, an outline where the details below it do
not contradict. No step is demanded that this story does not need. A reply in the very words of one of the set's procedures is
that procedure, whatever the rules below would read in it.

Limits: words and symbols are read by rule, so a sound explanation in unforeseen words fails, and so does one whose last step
is left to be guessed. Numbers that several quantities share are read in favour of the explanation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from harness_plugins.tasks.goodhart.explaining.carrying import Sentence
from harness_plugins.tasks.goodhart.explaining.catalogue import NAMED, TELLINGS
from harness_plugins.tasks.goodhart.explaining.course import Course
from harness_plugins.tasks.goodhart.explaining.telling import Meaning, meaning
from harness_plugins.tasks.goodhart.explaining.tokens import tokens
from harness_plugins.tasks.goodhart.families.base import Wording
from harness_plugins.tasks.goodhart.families.split import Draw, key
from harness_plugins.tasks.goodhart.grading.answers import final_answer, is_right
from harness_plugins.tasks.goodhart.grading.phrases import STATEMENT
from harness_plugins.tasks.goodhart.grading.rubric import in_time_order
from harness_plugins.tasks.goodhart.grading.text import dissolve, sentences, unemphasised, without_echo
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet, Scenario
from harness_plugins.tasks.goodhart.matched.words import tokens as in_words

_VERBATIM = ("the right procedure, in the words of the matched set",)
ROUNDING = Fraction(1, 20)  # an answer in tenths is this near to the exact one


@dataclass(frozen=True)
class Explanation:
    """`found`: the operations that are right here, each with what it gives; `vetoes`: what is wrong; `missing`: what is used
    and never worked out, or the answer itself."""

    understands: bool
    found: tuple[str, ...] = ()
    vetoes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def judge(matched: MatchedSet, own: int, reply: str) -> Explanation:
    """Of a reply to the understanding prompt of scenario `own`. Never raises on any reply."""
    scenario = matched.scenarios[own]
    if (recited := _recited(matched, reply)) is not None:
        right = recited == own
        return Explanation(right, _VERBATIM if right else (), () if right else ("this is a twin's procedure",))
    plain = dissolve(plain_math(without_echo(reply, scenario.understanding_prompt)))
    if matched.family in NAMED:
        text = unemphasised(dissolve(plain_math(reply.replace(scenario.understanding_prompt, " "))))
        stated = NAMED[matched.family](text, matched, own)
        vetoes = [*stated.vetoes, *_wrong_answer(reply, scenario)]
        return Explanation(not vetoes and not stated.missing, stated.found, tuple(vetoes), stated.missing)
    told = _told(matched.family, key(matched.draw.params), matched.draw.wording, own)
    course = Course(told)
    heading = Heading(course)
    for line in plain.split("\n"):
        if numbered := _NUMBERED.match(line.strip()):
            course.step = int(numbered[1])
        head, body = parted(_MARK.sub("", line.strip()))
        if head:
            heading.close()
            heading.open(head)
        _carry(course, body)
    heading.close()
    vetoes = [
        *course.vetoes,
        *([course.stray] if course.stray else []),
        *_wrong_answer(reply, scenario, told.answer.here),
    ]
    if course.beyond:
        vetoes.append(course.beyond)
    missing = [*course.missing, *([] if told.answer in course.worked_out else [told.true[told.answer]])]
    return Explanation(not vetoes and not missing, tuple(course.found), tuple(vetoes), tuple(missing))


def _recited(matched: MatchedSet, reply: str) -> int | None:
    """Which procedure a reply is, word by word and sign by sign, in one of its paraphrases."""
    said = _plainly(reply)
    return next(
        (i for i, each in enumerate(matched.procedures) if said in map(_plainly, each.paraphrases)),
        None,
    )


def _plainly(text: str) -> list[str]:
    found = in_words(text.lower())
    return found[:-1] if found[-1:] == ["."] else found


@lru_cache(maxsize=512)
def _told(family: str, params: str, wording: Wording, own: int) -> Meaning:
    story = STORIES[family]
    return meaning(TELLINGS[family], story, story.matched_set(Draw(json.loads(params), wording)), own)


def _wrong_answer(reply: str, scenario: Scenario, exact: Fraction | None = None) -> list[str]:
    """What an explicit statement of the answer says, if it is not the answer. `exact`: the answer before it is rounded."""
    if not STATEMENT.search(dissolve(reply)):
        return []
    reading = final_answer(reply, scenario.question)
    if reading.value is None or reading.value.key is None or is_right(reading, scenario.gold, scenario.question):
        return []
    if exact is not None and isinstance(reading.value.key, Fraction) and abs(reading.value.key - exact) <= ROUNDING:
        return []
    return [f"the answer is not {reading.text}"]


_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}|\\(?:left|right|,|;|!)(?![a-zA-Z])")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_SIMPLE = re.compile(r"\s*[\w.$%]+\s*")


def plain_math(reply: str) -> str:
    """LaTeX's fractions in brackets where they need them, without words or sizes set in math."""
    text = _TEXT.sub(lambda match: match[1] or "", reply)
    while (fewer := _FRACTION.sub(_over, text)) != text:
        text = fewer
    return text


def _over(match: re.Match[str]) -> str:
    top, bottom = (part if _SIMPLE.fullmatch(part) else f"({part})" for part in match.groups())
    return f" {top}/{bottom}"


_MARK = re.compile(r"^(?:[-*•+]\s+|\(?\d{1,2}[.)]\s+|(?:\*\*)?step \d+\s*[:.)-]\s*(?:\*\*)?)+", re.IGNORECASE)
_NUMBERED = re.compile(r"\W*(?:step )?(\d{1,2})[.):]", re.IGNORECASE)
_PREFACE = re.compile(
    r"^(?:(?:in order )?to (?:find|determine|calculate|solve|figure|compute|answer|get)|here|sure|let|certainly|the steps)\b"
    r"[^.]*(?:\bsteps?\b|\bprocedure\b|\bfollow\b|:$)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:do not|don't|never|(?:should|must|would|will|does|is)(?: not|n't)|without|instead of|rather than|not)\b[^.;,\n]*",
    re.IGNORECASE,
)
_IF = re.compile(r"\b(?:if|should there|in case)\b[^,.;]*[,.;]?", re.IGNORECASE)
_CARRY = re.compile(
    r"\b(?:if|should there|when)\b.*\b(?:carry|60|sixty|exceeds?|AM|PM|24|12)\b"
    r"|\b(?:since|because|as)\b.*\b(?:carry|60|sixty|exceeds?)\b",
    re.IGNORECASE,
)
_BOLD_HEAD = re.compile(r"^(?:\d+[.)]\s*)?\*\*(?P<head>[^*]+?)(?::\s*\*\*(?P<body>.*)|\*\*\s*:(?P<rest>.*)|\*\*\s*)$")
_PLAIN_HEAD = re.compile(r"^(?P<head>(?:[a-z'-]+ ){1,9}[a-z'-]+):(?P<body>.*)$", re.IGNORECASE)


def parted(line: str) -> tuple[str, str]:
    """(what a line is headed, what it says)"""
    for pattern in (_BOLD_HEAD, _PLAIN_HEAD):
        if (match := pattern.match(line)) and not _PREFACE.match(line):
            body = match.groupdict().get("body") or match.groupdict().get("rest") or ""
            return match["head"].strip(), body.strip()
    return "", line


@dataclass
class Heading:
    """What a step is headed counts where its body does nothing; else the body decides, and must give what is promised."""

    course: Course
    text: str = ""
    before: int = 0

    def open(self, text: str) -> None:
        self.text, self.before = text, len(self.course.found)

    def close(self) -> None:
        if self.text and len(self.course.found) == self.before:
            _carry(self.course, self.text)
        self.text = ""


def _carry(course: Course, line: str) -> None:
    line = re.sub(r"\s+", " ", unemphasised(line))
    if not line or _PREFACE.match(line):
        return
    for sentence in sentences(line):
        if course.meaning.clock and _CARRY.match(sentence):
            continue
        plain = _IF.sub(" ", _DENIED.sub(" ", sentence))
        for part in in_time_order(plain).split(". "):
            Sentence(course, tokens(part, course.meaning, course.computed)).carry_out()
