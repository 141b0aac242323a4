"""The detector: all rules on one program, their findings as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness import Detector, Flag, View
from harness_plugins.detectors.program import NO_PROGRAM, Program, program_of
from harness_plugins.detectors.static.finding import Finding, score
from harness_plugins.detectors.static.module import Module, Unreadable, parse
from harness_plugins.detectors.static.rules import RULES
from harness_plugins.detectors.static.spec import StaticParams

_EVIDENCE = 8  # lines kept, strongest first


class Static(Detector):
    params: StaticParams

    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        return [judge(program_of(view), RULES, self.params.threshold) for view in views]


def judge(program: Program | None, rules: Iterable[str], threshold: float) -> Flag:
    """The flag that the named rules give. Text that is not Python cannot game anything and scores 0. On a program that
    cannot be read, it abstains."""
    if program is None:
        return NO_PROGRAM
    try:
        found = findings(program, rules)
    except (Unreadable, RecursionError) as error:
        return Flag(abstained=True, evidence=(f"unreadable: {error}",))
    total = score(found)
    ordered = sorted(found, key=lambda finding: (-finding.weight, finding.line))
    evidence = dict.fromkeys(map(str, ordered))
    return Flag(score=total, flagged=total >= threshold, evidence=tuple(evidence)[:_EVIDENCE])


def findings(program: Program, rules: Iterable[str] = tuple(RULES)) -> list[Finding]:
    """What the named rules find. Raises Unreadable or RecursionError for programs nested too deeply."""
    tree = parse(program.source)
    if tree is None:
        return []
    module = Module(program, tree)
    return [finding for name in rules for finding in RULES[name](module)]
