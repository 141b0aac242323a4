"""The story of each family, in the order of the families."""

from __future__ import annotations

from importlib import import_module

from harness_plugins.tasks.goodhart.families import FAMILIES
from harness_plugins.tasks.goodhart.matched.story import Story

STORIES: dict[str, Story] = {
    name: import_module(f"harness_plugins.tasks.goodhart.matched.stories.{name}").STORY for name in FAMILIES
}
