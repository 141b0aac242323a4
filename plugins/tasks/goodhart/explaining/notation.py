"""The notation for phrases of one meaning: the nouns of a quantity, the words of an operation.

Phrases stand on lines or are parted by semicolons. "(a|b)" is one of the words, "[a|b]" one of them or none:
"[sale] (price|cost)" is "price", "cost", "sale price" and "sale cost". Else a phrase is a regular expression.
"""

from __future__ import annotations

import re

_INNERMOST = re.compile(r"\[([^\[\]]+)\]")


def pattern(notation: str) -> str:
    """A regular expression for any of the phrases, and for nothing longer or shorter."""
    phrases = [phrase.strip() for phrase in re.split(r"; |\n", notation)]
    return "|".join(_with_options(phrase) for phrase in phrases if phrase)


def _with_options(phrase: str) -> str:
    while match := _INNERMOST.search(phrase):
        before, after, words = phrase[: match.start()], phrase[match.end() :], match[1]
        if before.endswith(" "):
            phrase = f"{before[:-1]}(?: (?:{words}))?{after}"
        elif after.startswith(" ") and before[-1:] in ("", "(", "|", "?"):
            phrase = f"{before}(?:(?:{words}) )?{after[1:]}"
        else:
            phrase = f"{before}(?:{words})?{after}"
    return phrase
