"""How many items a difference needs, beside how many a plan has. It goes without numpy, as all of planning does."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, sqrt
from statistics import NormalDist

from harness.contract import Outcome, Record, TaskSuiteSpec
from harness.errors import plural
from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.store.run import RunStore

ALPHA, POWER = 0.05, 0.8  # as in `harness.stats`
POINTS = (5, 10)  # differences, in percentage points
ASSUMED = 0.1  # of paired verdicts that a change of the model turns over, as long as none are stored


class PlannedPower(Record):
    """For one suite: the pairs of a contrast, and those that a difference takes with 80 % power."""

    suite: str
    pairs: int
    changed: int  # paired verdicts of this run that differ, on the axis where more of them do
    compared: int  # paired verdicts of this run; 0 before anything ran
    needed: dict[int, int]  # by the difference in points

    @property
    def discordance(self) -> float:
        return self.changed / self.compared if self.compared else ASSUMED

    @property
    def described(self) -> str:
        takes = ", ".join(f"{points} points take {plural(needed, 'pair')}" for points, needed in self.needed.items())
        share = f"{100 * self.discordance:.0f} % of the verdicts change independently"
        seen = f"as {self.changed} of {self.compared} did here" if self.compared else "an assumption until some have"
        return f"{self.suite}: {plural(self.pairs, 'pair')} a contrast; at 80 % power {takes}, if {share} ({seen})"


def planned_power(plan: Plan, store: RunStore, catalogue: Catalogue) -> Iterable[PlannedPower]:
    """For each suite with a proxy and a truth whose cells are contrasted."""
    cells = {cell.id: cell for cell in plan.cells}
    for suite in dict.fromkeys(cell.suite.label for cell in plan.cells):
        pairs = [(cells[one.base], cells[one.other]) for one in plan.contrasts if cells[one.base].suite.label == suite]
        if not pairs:
            continue
        spec, _ = catalogue.spec("tasks", pairs[0][0].suite.plugin)
        if not (isinstance(spec, TaskSuiteSpec) and spec.axes):
            continue
        proxy = truth = compared = 0
        for base, other in pairs:
            before, after = (_verdicts(cell, store) for cell in (base, other))
            shared = before.keys() & after.keys()
            compared += len(shared)
            proxy += sum(before[sample].proxy != after[sample].proxy for sample in shared)
            truth += sum(before[sample].truth != after[sample].truth for sample in shared)
        found = PlannedPower(
            suite=suite, pairs=pairs[0][0].items, changed=max(proxy, truth), compared=compared, needed={}
        )
        # a difference takes at least as many changed verdicts as it has points
        needed = {points: pairs_needed(points / 100, max(found.discordance, points / 100)) for points in POINTS}
        yield found.model_copy(update={"needed": needed})


def _verdicts(cell: Cell, store: RunStore) -> dict[tuple[str, int], Outcome]:
    rows = store.cell(cell.id).verdicts(cell.grade_key)
    return {(row.item, row.repeat): row.verdict for row in rows if isinstance(row.verdict, Outcome)}


def pairs_needed(difference: float, discordance: float) -> int:
    """Pairs with which a share `discordance` of changing verdicts shows `difference` with 80 % power (Connor 1987): the
    inverse of `stats.mde_paired`.

    Raises:
        ValueError: unless 0 < difference <= discordance; a rate cannot move further than the verdicts that change.
    """
    if not 0 < difference <= discordance <= 1:
        raise ValueError(f"a difference of {difference} cannot come from {discordance} of the pairs")
    z_alpha, z_power = (NormalDist().inv_cdf(p) for p in (1 - ALPHA / 2, POWER))
    spread = z_alpha * sqrt(discordance) + z_power * sqrt(discordance - difference**2)
    return ceil((spread / difference) ** 2)
