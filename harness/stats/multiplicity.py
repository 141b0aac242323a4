"""Adjusted p-values: Holm for contrasts declared before the run, Benjamini-Hochberg for what is explored after it."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Step-down adjusted p-values in the order given; controls the chance of any false claim in the family."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Step-up adjusted p-values in the order given; controls the expected share of false claims."""
    adjusted, running, count = [0.0] * len(p_values), 1.0, len(p_values)
    for rank, index in reversed(list(enumerate(sorted(range(count), key=p_values.__getitem__), start=1))):
        running = min(running, p_values[index] * count / rank)
        adjusted[index] = running
    return adjusted
