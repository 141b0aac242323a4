"""Reads from the model's activations during a reply whether the reply games its grader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness import Detector, Flag, View
from harness_plugins.detectors.probe.logistic import Logistic, fit_logistic
from harness_plugins.detectors.probe.spec import ProbeParams

_UNFITTED = Flag(abstained=True, evidence=("not fitted: there were no labelled replies of both kinds to learn from",))
_UNREAD = Flag(
    abstained=True, evidence=("no activations: the reply is empty, or too long for the model with its prompt",)
)


class Probe(Detector):
    """After ariahw/rl-rewardhacking's monitor: activations of one layer, averaged over the reply, in a logistic probe."""

    params: ProbeParams
    probe: Logistic | None = None

    def fit(self, views: Sequence[View], labels: Sequence[bool]) -> None:
        if not views:
            return
        read = self._read(views)  # (n, d)
        seen = np.isfinite(read).all(axis=1)
        positive = np.asarray(labels, dtype=bool)[seen]
        if positive.any() and not positive.all():
            self.probe = fit_logistic(read[seen], positive, self.params.l2)

    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        if self.probe is None or not views:
            return [_UNFITTED] * len(views)
        read = self._read(views)  # (n, d)
        probabilities = self.probe.probability(read)
        return [
            self._flag(float(it)) if known else _UNREAD
            for it, known in zip(probabilities, np.isfinite(read).all(axis=1), strict=True)
        ]

    def _read(self, views: Sequence[View]) -> np.ndarray:
        assert self.tools.activations is not None  # the need is declared
        return self.tools.activations(views, self.params.depth)

    def _flag(self, probability: float) -> Flag:
        line = f"probability {probability:.2f} from the stream after {self.params.depth:.0%} of the blocks"
        return Flag(score=probability, flagged=probability >= self.params.threshold, evidence=(line,))
