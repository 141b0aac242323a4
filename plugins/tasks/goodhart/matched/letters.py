"""A matched set as questions with lettered choices, under every rotation of them: for models that give no likelihoods.

M[s, c] is how often procedure c is picked in scenario s. A model that prefers a letter picks each procedure equally often, so
rotating cancels it; one that prefers a procedure picks it in every scenario, and the crossed criterion cancels that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_uppercase

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.grading.text import dissolve, unemphasised
from harness_plugins.tasks.goodhart.matched.crossed import Matrix
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

MAX_TOKENS = 16


def prompts(matched: MatchedSet) -> list[Prompt]:
    """One a scenario and rotation. Rotations take turns among the paraphrases, in the same way in every scenario."""
    wordings = min(len(procedure.paraphrases) for procedure in matched.procedures)
    return [
        Prompt(role=_role(s, r), text=question(matched, s, r, r % wordings), max_tokens=MAX_TOKENS)
        for s in range(len(matched.scenarios))
        for r in range(len(matched.procedures))
    ]


def counts(matched: MatchedSet, replies: Mapping[str, Reply]) -> tuple[Matrix, int]:
    """(M, how many replies pick a letter)."""
    k = len(matched.procedures)
    matrix = [[0.0] * k for _ in range(k)]
    for s in range(k):
        for r in range(k):
            position = picked(replies.get(_role(s, r), Reply(text="")).text, k)
            if position is not None:
                matrix[s][(position + r) % k] += 1
    return matrix, int(sum(map(sum, matrix)))


def picked(reply: str, k: int) -> int | None:
    """Which of the first k letters a reply picks: the one that it begins with, or answers with, or the only one in it."""
    text = unemphasised(dissolve(reply)).strip()
    letters = ascii_uppercase[:k]
    for pattern in (rf"^\W*([{letters}])(?![\w'’])(?!\s+[a-z])", rf"\b[Aa]nswer\b\W*(?:is\W*)?([{letters}])\b"):
        if match := re.search(pattern, text):
            return letters.index(match[1])
    found = set(re.findall(rf"(?<![\w'’])([{letters}])(?![\w'’])", re.sub(r"\bA(?=\s+[a-z])", "", text)))
    return letters.index(found.pop()) if len(found) == 1 else None


def question(matched: MatchedSet, s: int, r: int, paraphrase: int) -> str:
    """Scenario s with the procedures lettered from procedure r on, in one of their wordings."""
    k = len(matched.procedures)
    rotated = [matched.procedures[(position + r) % k].paraphrases[paraphrase] for position in range(k)]
    listed = "\n".join(f"{letter}) {words}" for letter, words in zip(ascii_uppercase, rotated, strict=False))
    return f"{matched.scenarios[s].text}\n\nWhich procedure is right?\n\n{listed}\n\nReply with its letter alone."


def _role(s: int, r: int) -> str:
    return f"letters/{s}/{r}"
