"""Names of a suite's measures as people type them: the key, the title or the short word, whatever its case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.errors import UsageError
from harness.report.metrics import Metric


def named(metrics: Sequence[Metric], word: str, suite: str) -> Metric:
    """The measure of that name. A beginning that is whole words is enough; where several begin so, the first in the order
    of the results is meant.

    Raises:
        UsageError: none is called so, with the names that there are.
    """
    wanted = plain(word)
    for metric in metrics:
        if wanted in map(plain, names(metric)):
            return metric
    for metric in metrics:
        if any(f"{plain(name)} ".startswith(f"{wanted} ") for name in names(metric)):
            return metric
    known = ", ".join(metric.short for metric in metrics)
    raise UsageError(f"{suite} has no measure {word!r}", f"one of {known}")


def names(metric: Metric) -> Iterable[str]:
    return dict.fromkeys((metric.short, metric.key, metric.title))


def plain(name: str) -> str:
    """A name without its case, its hyphens and its underscores."""
    return " ".join(re.split(r"[\s_-]+", name.casefold())).strip()
