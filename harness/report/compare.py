"""Paired comparison of two arms on one metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.arms import Arm, SampledArm, clusters_of
from harness.report.data import Row
from harness.report.metrics import Metric
from harness.stats import (
    Difference,
    carries_inference,
    mcnemar,
    minimal_p,
    paired_difference,
    sign_flip,
    swap_test,
    t_test,
)
from harness.stats.arrays import group_sums
from harness.stats.power import mde_from_se

CLUSTER_T = "t"


@dataclass(frozen=True)
class Comparison:
    """Other minus base over the samples that both arms have (same item, same repeat)."""

    base: tuple[float, float]  # numerator, denominator
    other: tuple[float, float]
    difference: Difference | None
    gained: int  # samples in the numerator of other alone
    lost: int  # samples in the numerator of base alone
    p: float | None
    test: str
    unit: str
    units: int
    items: int
    samples: int
    unmatched: int  # samples that only one arm has
    mde: float | None  # least difference found with 80 % power, from this comparison's own standard error
    adjusted: float | None = None
    method: str = ""  # of adjustment
    family: int = 0  # how many tests it was adjusted over

    @property
    def inference(self) -> bool:
        return self.p is not None and carries_inference(self.items, self.units)

    @property
    def minimal(self) -> float | None:
        """Least p that the test can print; a t has none."""
        return None if self.test == CLUSTER_T else minimal_p(self.units)


def compare(base: Arm, other: Arm, metric: Metric, family: str | None = None) -> Comparison | None:
    """None where samples cannot be paired: a published aggregate, or no item in common.

    The test takes the unit of the interval, so that the two say one thing. Over clusters (items of one matched set, or of
    one family, rise and fall together) it is the t of the interval itself: few clusters leave an exchange of arms too few
    ways to find anything. Over items it is exact McNemar for a rate that every sample enters once, and an exchange of arms
    within items for any other. Repeats are averaged within their item first.
    """
    if not (isinstance(base, SampledArm) and isinstance(other, SampledArm)):
        return None
    pairs, unmatched = match(base.select(family), other.select(family))
    if not metric.is_rate:
        pairs = [(b, o) for b, o in pairs if metric.terms(b)[1] and metric.terms(o)[1]]
    if not pairs:
        return None
    terms = np.array([(*metric.terms(b), *metric.terms(o)) for b, o in pairs])  # (S, 4)
    gained = int(((terms[:, 2] > 0) & (terms[:, 0] == 0)).sum()) if metric.is_rate else 0
    lost = int(((terms[:, 0] > 0) & (terms[:, 2] == 0)).sum()) if metric.is_rate else 0
    totals = terms.sum(axis=0)

    items = {item: i for i, item in enumerate(dict.fromkeys(b.item for b, _ in pairs))}
    owner = np.array([items[b.item] for b, _ in pairs])
    table = group_sums(terms, owner) / np.bincount(owner)[:, None]  # (I, 4) repeats averaged within their item
    base_num, base_den, other_num, other_den = table.T
    clusters, unit = clusters_of([b for b, _ in pairs])
    difference = paired_difference(base_num, base_den, other_num, other_den, clusters, rate=metric.is_proportion)

    units = int(clusters.max()) + 1
    t = t_test(difference, units) if difference and units < len(items) else None
    if t is not None:
        p, test = t, CLUSTER_T
    elif metric.joint and units == len(pairs):
        p, test = mcnemar(gained, lost), "exact McNemar"
    elif metric.is_rate:
        p, test = swap_test(*group_sums(table, clusters).T).p, "exchange of arms"
    else:
        p, test = sign_flip(group_sums((table[:, 2] - table[:, 0])[:, None], clusters)[:, 0]).p, "sign-flip"
    se = difference.se if difference else None
    return Comparison(
        base=(float(totals[0]), float(totals[1])),
        other=(float(totals[2]), float(totals[3])),
        difference=difference,
        gained=gained,
        lost=lost,
        p=p if difference else None,
        test=test,
        unit=unit,
        units=units,
        items=len(items),
        samples=len(pairs),
        unmatched=unmatched,
        mde=mde_from_se(se, units - 1) if se else None,
    )


def match(base: Sequence[Row], other: Sequence[Row]) -> tuple[list[tuple[Row, Row]], int]:
    """Samples of the same item and repeat, in the base's order, and how many have no partner."""
    partner = {(row.item, row.repeat): row for row in other}
    pairs = [(row, partner[row.item, row.repeat]) for row in base if (row.item, row.repeat) in partner]
    return pairs, len(base) + len(other) - 2 * len(pairs)
