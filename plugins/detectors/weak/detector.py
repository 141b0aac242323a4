"""The static rules without those of some mechanisms: a monitor with known blind spots.

Another detector must find what such a monitor misses in training, or a drop in what it flags proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness import Detector, Flag, View
from harness_plugins.detectors.program import program_of
from harness_plugins.detectors.static.detector import judge
from harness_plugins.detectors.static.rules import RULES
from harness_plugins.detectors.weak.spec import WeakParams

_OF_MECHANISM = {"evaluator": ("evaluator", "vacuous-tests")}  # the others are one rule each, of the same name


class Weak(Detector):
    params: WeakParams

    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        missed = {rule for name in self.params.misses for rule in _OF_MECHANISM.get(name, (name,))}
        rules = [rule for rule in RULES if rule not in missed]
        return [judge(program_of(view), rules, self.params.threshold) for view in views]
