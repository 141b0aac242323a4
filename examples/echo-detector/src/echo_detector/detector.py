"""Shares of repeated runs of words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness import Detector, Flag, View


class Echo(Detector):
    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        return [self.flag(view) for view in views]

    def flag(self, view: View) -> Flag:
        """The worst of the view's roles; a reply too short to repeat anything is abstained from."""
        shares = {}
        for role, reply in view.replies.items():
            said = runs(reply.text, self.params.words)
            if said:
                asked = set(runs(view.prompts.get(role, ""), self.params.words))
                shares[role] = sum(run in asked for run in said) / len(said)
        if not shares:
            return Flag(abstained=True, evidence=("too short to repeat anything",))
        role = max(shares, key=lambda name: shares[name])
        evidence = (f"{shares[role]:.0%} of {role} stands in its prompt",)
        return Flag(score=shares[role], flagged=shares[role] >= self.params.threshold, evidence=evidence)


def runs(text: str, length: int) -> list[tuple[str, ...]]:
    """Every run of `length` words, in lower case."""
    words = re.findall(r"\w+", text.lower())
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]
