"""What a gate asks of a run, as it is typed: `goodhart7.does >= base - 0.05`, `fidelity.kl < 0.1`. Parsed, never evaluated.

condition   measure comparison limit
measure     SUITE.NAME
comparison  >=  >  <=  <
limit       a number, or `base`, or `base + number`, or `base - number`; a number may be a percentage, as 5%
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import UsageError

NUMBER = r"(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*(?P<percent>%?)"
CONDITION = re.compile(
    rf"\s*(?P<measure>\S.*?)\s*(?P<comparison>>=|<=|>|<)\s*(?P<base>base\b)?\s*(?:(?P<sign>[+\-−])?\s*{NUMBER})?\s*"
)
GRAMMAR = "write SUITE.MEASURE >= base - 0.05, or SUITE.MEASURE < 0.1"


@dataclass(frozen=True)
class Condition:
    text: str
    suite: str
    measure: str
    at_least: bool  # the value has to lie above the limit; else below
    relative: bool  # the limit is a difference to the base
    limit: float


def parse_condition(text: str, suites: Iterable[str]) -> Condition:
    """Raises UsageError for what is no condition, and for a suite that the run has not."""
    found = CONDITION.fullmatch(text)
    if not found or not (found["base"] or found["number"]) or (found["base"] and found["number"] and not found["sign"]):
        raise UsageError(f"cannot read the condition {text!r}", GRAMMAR)
    size = float(found["number"] or 0) / (100 if found["percent"] else 1)
    limit = -size if found["sign"] in ("-", "−") else size
    known = list(suites)
    suite = max((one for one in known if found["measure"].startswith(f"{one}.")), key=len, default=None)
    if suite is None:
        raise UsageError(f"{text!r} names no suite of this run", f"one of {', '.join(known)}; {GRAMMAR}")
    name = found["measure"][len(suite) + 1 :]
    return Condition(text.strip(), suite, name, found["comparison"][0] == ">", bool(found["base"]), limit)
