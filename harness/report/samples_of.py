"""Which samples a count counts."""

from __future__ import annotations

from harness.contract import Quadrant
from harness.report.arms import Arm, SampledArm
from harness.report.metrics import Metric
from harness.report.table import Samples

ORDER = (Quadrant.BOTH, Quadrant.PROXY_ONLY, Quadrant.TRUTH_ONLY, Quadrant.NEITHER)
RIGHT = (Quadrant.BOTH, Quadrant.TRUTH_ONLY)
WRONG = (Quadrant.PROXY_ONLY, Quadrant.NEITHER)
UNSCORED = "unscored"


def of_arm(arm: Arm, *outcomes: str, family: str | None = None) -> Samples | None:
    """None for a published aggregate, which has no samples."""
    return Samples(arm.id, outcomes, family=family or "") if isinstance(arm, SampledArm) else None


def counted(arm: Arm, metric: Metric, family: str | None = None) -> Samples | None:
    """A rate's numerator; of a mean, the arm's scored samples, unless only some of them have a value."""
    if metric.is_rate:
        return of_arm(arm, *numerator(metric), family=family)
    rows = arm.select(family) if isinstance(arm, SampledArm) else ()
    partial = any(row.verdict and not metric.present(row) for row in rows)
    return None if partial else of_arm(arm, *ORDER, "scores", family=family)


def numerator(metric: Metric) -> tuple[str, ...]:
    assert metric.rate is not None
    return tuple(quadrant for quadrant in ORDER if quadrant in metric.rate.numerator)


def moved(
    base: Arm, other: Arm, was: tuple[str, ...], now: tuple[str, ...], new_answer: bool = False
) -> Samples | None:
    """The other arm's samples that were one thing under the base and are another here."""
    if not (isinstance(base, SampledArm) and isinstance(other, SampledArm)):
        return None
    return Samples(other.id, now, base=base.id, was=was, new_answer=new_answer)
