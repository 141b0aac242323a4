"""Words, numbers and pairs of words of a text: what lengths are counted in and what two texts may share."""

from __future__ import annotations

import re
from itertools import pairwise

NUMBER = r"\d+(?:[.:]\d+)*(?: ?[AP]M\b)?"  # 25, 0.7, 2:45 PM
TOKEN = re.compile(rf"{NUMBER}|\w+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Words, numbers and signs, one token each."""
    return TOKEN.findall(text)


def numbers(text: str) -> set[str]:
    """The numbers and clock times of a text, as written."""
    return set(re.findall(NUMBER, text))


def words(text: str) -> list[str]:
    """Words and numbers without signs, in lower case."""
    return [token.lower() for token in tokens(text) if token[0].isalnum()]


def bigrams(text: str) -> set[tuple[str, str]]:
    return set(pairwise(words(text)))


def states(text: str, answer: str) -> bool:
    """Does the text hold the answer as a value of its own ("15" in "$15", not in "150")?"""
    return re.search(rf"(?<![\w.:]){re.escape(answer)}(?![\w:]|\.\d)", text, re.IGNORECASE) is not None
