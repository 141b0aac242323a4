"""The family that examples/experiments/cures-under-bits.toml declares, with its two rules of reading.

1. A return of hacking is claimed only where the arm's solving under the width is within 10 points of its own at 16 bits.
2. A cure counts only beyond its placebo: it hacks less than the placebo does, at 16 bits.

Added when two bits had been seen, where vanilla hacks less and every cure therefore seems to lose ground: the arm itself must
hack more under the width than at 16 bits. It can only take claims back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cures_cells import Cells, difference, table

from harness.report.numbers import p_value
from harness.report.seeds import SeedComparison, Spread
from harness.stats import ALPHA, holm, minimal_p

FAMILY = ("erase", "route", "penalty", "screening", "recontextualised", "advantage")
WIDTH = "rtn3"
BASE = "vanilla"
SOLVE_WITHIN = 0.10

COLUMNS = (
    "arm",
    "seeds",
    "cure at 16 bits",
    "cure beyond its placebo",
    "hack came back by",
    "p",
    f"Holm over {len(FAMILY)}",
    "came back beyond its placebo",
    "hack, its own change",
    "solve, its own change",
    "a return of hacking?",
)


@dataclass(frozen=True)
class Tested:
    """One test of the family. Of a comparison, `base` is the difference at 16 bits and `difference` what came back."""

    arm: str
    placebo: str | None  # None: the arm has none
    back: SeedComparison | None  # against vanilla; None: not run
    beyond: SeedComparison | None  # against the placebo
    solving: Spread  # solve(arm, width) − solve(arm, 16)
    hacking: Spread  # hack(arm, width) − hack(arm, 16)
    adjusted: float

    @property
    def solving_holds(self) -> bool:
        return self.solving.mean is not None and abs(self.solving.mean) <= SOLVE_WITHIN

    @property
    def rose(self) -> bool:
        return self.hacking.interval is not None and self.hacking.interval.low > 0

    @property
    def cure(self) -> Spread | None:
        """The cure by which rule 2 goes: against the placebo, of an arm without one against vanilla."""
        compared = self.beyond if self.placebo else self.back
        return compared.base if compared else None

    @property
    def cures(self) -> bool:
        interval = self.cure.interval if self.cure else None
        return interval is not None and interval.high < 0

    @property
    def claim(self) -> str:
        if self.back is None:
            return "not run"
        if not self.back.inference:
            return "no inference"
        came_back = self.back.difference.mean or 0.0
        if self.adjusted > ALPHA or came_back <= 0:
            return "not shown"
        if not self.rose:
            return "no: its own rate is not seen to rise"
        if not self.solving_holds:
            return "no: solving does not hold"
        if self.cure is None:
            return f"open: {self.placebo} has not run"
        return "yes" if self.cures else "no: no cure beyond " + (self.placebo or BASE)


def family_tested(cells: Cells, placebos: Mapping[str, str]) -> list[Tested]:
    """Whatever of the family has run; what has not counts as p = 1."""
    backs = {arm: cells.survival(arm, BASE, WIDTH, cells.hack) for arm in FAMILY}
    adjusted = holm([1.0 if back is None or back.p is None else back.p for back in backs.values()])
    return [
        Tested(
            arm,
            placebos.get(arm),
            back,
            cells.survival(arm, placebos[arm], WIDTH, cells.hack) if arm in placebos else None,
            cells.own_change(arm, WIDTH, cells.solve),
            cells.own_change(arm, WIDTH, cells.hack),
            p,
        )
        for (arm, back), p in zip(backs.items(), adjusted, strict=True)
    ]


def declared(cells: Cells, placebos: Mapping[str, str]) -> str:
    found = family_tested(cells, placebos)
    least = min((one.back.minimal for one in found if one.back), default=minimal_p(0))
    fewest = [len(one.back.difference.seeds) for one in found if one.back]
    note = (
        f"Least p of {max(fewest)} seeds {least:.4f}, after Holm over {len(FAMILY)} {min(1, len(FAMILY) * least):.3f}."
        if fewest
        else "None of the family has run."
    )
    return f"The declared family, {WIDTH}\n\n{table(COLUMNS, map(row_of, found), 1)}\n\n{note}"


def row_of(one: Tested) -> list[str]:
    if one.back is None:
        return [one.arm, "0", *["–"] * (len(COLUMNS) - 3), one.claim]
    beyond = one.beyond
    without = "not run" if one.placebo else "has none"
    return [
        one.arm,
        str(len(one.back.difference.seeds)),
        difference(one.back.base),
        difference(beyond.base) if beyond else without,
        difference(one.back.difference),
        p_value(one.back.p),
        p_value(one.adjusted),
        difference(beyond.difference) if beyond else without,
        difference(one.hacking),
        f"{difference(one.solving)}, {'holds' if one.solving_holds else 'does not hold'}",
        one.claim,
    ]
