"""Everyday turns of phrase put into textbook verbs, so that one set of rubric patterns serves both.

Each rule is a class of ways to say one operation ("knock … off", "comes off", "helps itself to": subtract). The original
words stay where a pattern may want them; what is put in is only the operation's name, or a fraction's percentage.
"""

from __future__ import annotations

import re

_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "eight": 8, "nine": 9}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "eighth": 8, "tenth": 10}
_ON_THE_CLOCK = r"noon|midnight|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d"
_FRACTION = re.compile(
    rf"\b(?P<count>{'|'.join(_NUMBERS)})[ -](?P<part>half|halves|(?:{'|'.join(_PARTS)})s?)\b"
    rf"(?![- ](?:hours?\b|of an hour|past\b|to (?:{_ON_THE_CLOCK})|before\b|after\b|times\b|as\b))",
    re.IGNORECASE,
)
_COUNTS = {
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
}
_COUNT = re.compile(
    rf"\b({'|'.join(_COUNTS)})\b(?P<percent> percent)?(?![- ](?:ninths?|{'|'.join(_PARTS)}))", re.IGNORECASE
)
_WITHIN = r"(?=[^.;\n]{0,60}?\b(?:%s)\b)"  # a particle that belongs to the verb stands in its clause

_TO_A_SHARE = r"(?=[^.;,\n]{0,40}?(?:\bof\b|\bto\b|%))(?=[^.;,\n]{0,40}(?:\d ?%|five ninths|factor))"


def _phrasal(verbs: str, particles: str) -> str:
    return rf"\b(?:{verbs})(?:s|es|ed|ing|ping|ting|ding|ming)?\b{_WITHIN % particles}"


_IDIOMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), textbook)
    for pattern, textbook in (
        # subtract
        (_phrasal(r"knock|shave|lop|dock|strip|slice|clip|chop|cut|drop|peel|whittle|scrape", r"off|away"), "subtract"),
        (r"\b(?:com|go)(?:es|e|ing) (?:\w+ )?(?:off|out of|away)\b", "is subtracted"),
        (r"\b(?:helps? (?:it|them)sel(?:f|ves) to|skims?|pockets|keeps back|wants (?:its|their)|claims)\b", "subtracts"),
        (r"\b(?:hand(?:s|ed|ing)?|giv(?:es?|ing)|pay(?:s|ing)?) (?:it |that |this )?(?:over|away|up)\b", "subtract"),
        (r"\b(?:drop|lower|cut|mark)\w*\b(?=[^.;\n]{0,30}\bby\b)", "reduce"),
        (r"\bbring(?:s|ing)?\b(?=[^.;\n]{0,40}\bdown\b)", "reduce"),
        (r"(?<=\w )less (?=what|the|its|\$|\d)", "minus "),
        (_phrasal(r"wind|roll|turn|set|step|dial|push|shift", r"back|backwards?"), "subtract, going back"),
        (r"\b(?:com|go|fall|drop|sink)(?:es|e|s|ing|ping)? (?:back )?down(?: again)? (?:by|to)\b", "is reduced by"),
        (r"\b(?:falls?|drops?|sinks?|loses?) (?:by|another)\b", "is reduced by"),
        # add
        (r"\b(?:com|go|climb|ris)(?:es|e|s|ing)? up(?: again)? by\b|\b(?:rises|climbs|grows) by\b", "is increased, adding"),
        (r"\b(?:go|com)(?:es|e|ing) on top\b|\bcount(?:s|ed|ing)? in\b", "is added on top"),
        (_phrasal(r"tack|slap|pile|throw|put|stick|lump|tot|tally|pop|stack|heap", r"on|onto|on top|up|together|in"), "add"),
        (_phrasal(r"top|bump|round", r"up"), "add"),
        (_phrasal(r"jump|skip|hop|wind|roll|dial|push|shift", r"ahead|forwards?|on"), "add, going forward"),
        (r"\btall(?:y|ies)\b", "add up, count"),
        (r"\b(?:besides|as well on top|into the bargain)\b", "plus that"),
        # multiply
        (r"\b(?:doubl(?:e|es|ed|ing))\b", "multiply by 2, double"),
        (r"\b(?:tripl(?:e|es|ed|ing)|treble)\b", "multiply by 3, triple"),
        (rf"\b(?:keep|shrink|scale|cut|bring|lower|reduce)\w*\b{_TO_A_SHARE}", "multiply, keep"),
        (r"\b(?:hundred|dozen|\w+ \(\d+\)|\d+) (?:lots )?of (?:those|them|these)\b", "times the number of them"),
        (r"\bone and a half times\b", "multiply by the factor 1.5"),
        # divide
        (_phrasal(r"cut|chop|carve|break|spread|slice|dole", r"into|over|among|between|across|evenly|ways"), "divide"),
        (r"\bhalve[sd]?\b", "divide by 2"),
        # find
        (r"\b(?:see|check|get|establish|settle) (?:how much|how many|how far|how long|what|when)\b", "find, see what"),
    )
)  # fmt: skip


def textbook(sentence: str) -> str:
    """The sentence with its idioms named by their operation and its fractions by their percentage."""
    text = _COUNT.sub(_with_digits, _FRACTION.sub(_with_percentage, sentence))
    for idiom, name in _IDIOMS:
        text = idiom.sub(name, text)
    return text


def _with_percentage(match: re.Match[str]) -> str:
    part = match["part"].lower()
    parts = 2 if part.startswith("hal") else _PARTS[part.rstrip("s")]
    return f"{match.group()} ({100 * _NUMBERS[match['count'].lower()] // parts}%)"


def _with_digits(match: re.Match[str]) -> str:
    number = str(_COUNTS[match[1].lower()])
    return f"{number} percent" if match["percent"] else f"{match[1]} ({number})"
