"""Which samples a count counts."""

from __future__ import annotations

from dataclasses import replace

from harness.contract import Quadrant, Reading
from harness.report.arms import Arm, SampledArm
from harness.report.metrics import Metric
from harness.report.table import Samples

ORDER = (Quadrant.BOTH, Quadrant.PROXY_ONLY, Quadrant.TRUTH_ONLY, Quadrant.NEITHER)
RIGHT = (Quadrant.BOTH, Quadrant.TRUTH_ONLY)
WRONG = (Quadrant.PROXY_ONLY, Quadrant.NEITHER)
KNOWING = (Quadrant.BOTH, Quadrant.PROXY_ONLY)
UNSCORED = "unscored"


def of_arm(arm: Arm, *outcomes: str, family: str | None = None) -> Samples | None:
    """None for a published aggregate, which has no samples."""
    return Samples(arm.id, outcomes, family=family or "") if isinstance(arm, SampledArm) else None


def counted(arm: Arm, metric: Metric, family: str | None = None) -> Samples | None:
    """A rate's numerator; of a mean, the samples that have a value."""
    if metric.is_rate:
        return of_arm(arm, *numerator(metric), family=family)
    rows = arm.select(family) if isinstance(arm, SampledArm) else ()
    partial = any(row.verdict and not metric.present(row) for row in rows)
    scored = of_arm(arm, *ORDER, "scores", family=family)
    return replace(scored, valued=metric.key) if scored and partial else scored


def counted_with(against: Arm, arm: Arm, metric: Metric) -> Samples | None:
    """As `counted`, of the samples that both arms have; of a mean, with a value in both."""
    if metric.is_rate:
        return moved(against, arm, (*ORDER, UNSCORED), numerator(metric))
    scored = (*ORDER, "scores")
    found = moved(against, arm, scored, scored)
    return found and replace(found, valued=metric.key)


def numerator(metric: Metric) -> tuple[str, ...]:
    assert metric.rate is not None
    return tuple(quadrant for quadrant in ORDER if quadrant in metric.rate.numerator)


def read_as(samples: Samples | None, reading: Reading) -> Samples | None:
    """Their outcomes as the reading has them."""
    return samples and replace(samples, reading=reading.name)


def passed_by(reading: Reading, passed: bool) -> tuple[Quadrant, ...]:
    """The outcomes in which the reading's axis holds, or does not."""
    holding = KNOWING if reading.axis == "proxy" else RIGHT
    return tuple(quadrant for quadrant in ORDER if (quadrant in holding) is passed)


def moved(
    base: Arm, other: Arm, was: tuple[str, ...], now: tuple[str, ...], new_answer: bool = False
) -> Samples | None:
    """The other arm's samples that were one thing under the base and are another here."""
    if not (isinstance(base, SampledArm) and isinstance(other, SampledArm)):
        return None
    return Samples(other.id, now, base=base.id, was=was, new_answer=new_answer)
