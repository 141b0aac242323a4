"""A scenario among its twins: what an item of a matched set is."""

from __future__ import annotations

from dataclasses import dataclass

from harness import Item
from harness_plugins.tasks.goodhart.families import FAMILIES, Draw, Family, Wording
from harness_plugins.tasks.goodhart.grading.answers import Question
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet, Scenario, Story


@dataclass(frozen=True)
class Twin:
    """`own` is the index of its scenario, and of the procedure that is right in it."""

    matched: MatchedSet
    own: int

    @classmethod
    def of(cls, item: Item) -> Twin:
        """The twin that `draw.items` made an item of."""
        params, wording, cell = item.data["params"], item.data["wording"], item.data["cell"]
        assert isinstance(params, dict)
        assert isinstance(wording, list)
        assert isinstance(cell, list)
        matched = STORIES[item.family].matched_set(Draw(params, Wording(*wording)))  # type: ignore[arg-type]
        return cls(matched, [scenario.cell for scenario in matched.scenarios].index(tuple(cell)))  # type: ignore[arg-type]

    @property
    def scenario(self) -> Scenario:
        return self.matched.scenarios[self.own]

    @property
    def story(self) -> Story:
        return STORIES[self.matched.family]

    @property
    def family(self) -> Family:
        return FAMILIES[self.matched.family]

    @property
    def gold(self) -> str:
        return self.scenario.gold

    @property
    def question(self) -> Question:
        return self.scenario.question

    @property
    def understanding_prompt(self) -> str:
        return self.scenario.understanding_prompt

    @property
    def execution_prompt(self) -> str:
        return self.scenario.execution_prompt

    @property
    def terse_prompt(self) -> str:
        return self.scenario.terse_prompt
