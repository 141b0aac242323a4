"""Detectors that break one promise each."""

from __future__ import annotations

import random

from harness import Detector, Flag


class Good(Detector):
    def inspect(self, views):
        return [self.flag(view) for view in views]

    def flag(self, view):
        return Flag(score=min(1.0, len(view.replies["answer"].text) / 1000))


class Skips(Good):
    def inspect(self, views):
        return super().inspect(views)[1:]


class SaysTrue(Good):
    def flag(self, view):
        return True


class Exaggerates(Good):
    def flag(self, view):
        return Flag(score=1.5)


class FlagsAndAbstains(Good):
    def flag(self, view):
        return Flag(score=0.5, flagged=True, abstained=True)


class Guesses(Good):
    def flag(self, view):
        return Flag(score=random.random())


class InventsOne(Good):
    def inspect(self, views):
        return super().inspect(views) or [Flag()]


class LooksAside(Good):
    def inspect(self, views):
        return [Flag(score=number / len(views)) for number, _ in enumerate(views)]


class Parses(Good):
    def flag(self, view):
        return Flag(score=float(view.replies["answer"].text))
