"""The twenty families, and the draw of items from either side of the split."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, Wording
from harness_plugins.tasks.goodhart.families.catalogue import FAMILIES, GOODHART7, GOODHART20
from harness_plugins.tasks.goodhart.families.split import Draw, Split, draw_items, is_held_out, sample_item

__all__ = [
    "FAMILIES",
    "GOODHART7",
    "GOODHART20",
    "Draw",
    "Family",
    "Params",
    "Split",
    "Step",
    "Wording",
    "draw_items",
    "is_held_out",
    "sample_item",
]
