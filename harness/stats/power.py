"""What a design can show before it is run: the least p a test can reach, and the least effect it would find."""

from __future__ import annotations

from math import ceil, sqrt

from harness.stats.intervals import normal_quantile, t_quantile

ALPHA = 0.05
POWER = 0.8
MIN_ITEMS = 20  # below it an interval spans most of the scale, and a verdict would be read as more than it is


def minimal_p(units: int) -> float:
    """Smallest attainable two-sided p of a sign-flip or exact McNemar test over so many units: 2 / 2^units."""
    return min(1.0, 2.0 ** (1 - units))


def carries_inference(items: int, units: int) -> bool:
    """The rule behind "no inference": at least MIN_ITEMS items, and enough units for p <= ALPHA to be attainable."""
    return items >= MIN_ITEMS and minimal_p(units) <= ALPHA


def mde_paired(items: int, discordance: float, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """Least difference of two paired rates found with `power`, a share `discordance` of items changing verdict.

    Normal approximation of McNemar (Connor 1987), solved by fixed-point iteration; None where not even all changes
    going one way would be found.
    """
    z_alpha, z_power = normal_quantile(1 - alpha / 2), normal_quantile(power)
    delta = 0.0
    for _ in range(50):
        variance = max(discordance - delta * delta, 0.0)
        delta = (z_alpha * sqrt(discordance) + z_power * sqrt(variance)) / sqrt(items)
        if delta > discordance:
            return None
    return delta


def mde_unpaired(items: int, rate: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """Least difference of two independent rates near `rate` found with `power`, `items` in each arm."""
    z = normal_quantile(1 - alpha / 2) + normal_quantile(power)
    return z * sqrt(2 * rate * (1 - rate) / items)


def mde_from_se(se: float, degrees: int, power: float = POWER, alpha: float = ALPHA) -> float:
    """Least difference found with `power` by a t test whose standard error is `se`."""
    return (t_quantile(1 - alpha / 2, degrees) + t_quantile(power, degrees)) * se


def items_needed(items: int, estimate: float, bound: float, limit: float, unvaried: bool = False) -> int | None:
    """Items at which the interval of `estimate`, which ends at `bound` over `items`, would end at `limit`.

    Intervals narrow as 1/√n. Where nothing varied (`unvaried`: no item changed, or all are alike) the bound is Wilson's of
    0 of n, z²/(n + z²) away, so that n is proportional to 1/distance − 1. None if the estimate itself does not keep the
    limit.
    """
    reach, room = abs(bound - estimate), abs(limit - estimate)
    if reach == 0 or room == 0 or (bound > estimate) != (limit > estimate):
        return None
    if unvaried and reach < 1:
        return max(ceil(items * (1 / min(room, 1.0) - 1) / (1 / reach - 1)), 1)
    return max(ceil(items * (reach / room) ** 2), 1)
