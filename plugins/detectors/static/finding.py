"""What a rule found, and how findings become a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

# How sure a rule is that what it found is gaming. Findings of HINT alone never flag.
SURE, LIKELY, HINT = 0.95, 0.7, 0.2

_EXCERPT = 80


@dataclass(frozen=True)
class Finding:
    rule: str
    weight: float
    line: int
    excerpt: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}, line {self.line}: {self.reason}: {self.excerpt}"


def score(findings: Sequence[Finding]) -> float:
    """Noisy or over rules, each counted once at its strongest: 1 - Π (1 - weight)."""
    strongest: dict[str, float] = {}
    for finding in findings:
        strongest[finding.rule] = max(strongest.get(finding.rule, 0.0), finding.weight)
    return 1 - prod(1 - weight for weight in strongest.values())


def excerpt(line: str) -> str:
    text = line.strip()
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
