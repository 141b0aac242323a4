"""Drawing matched sets, and their scenarios as items.

A set's numbers come from its family's own draw and its own side of the split, so a set for evaluation shares no problem with
training. Numbers that blur a set are passed over: two scenarios with one answer, an answer that the story or a procedure
happens to name, a value of too many decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from random import Random

from harness import Item
from harness.errors import UsageError
from harness_plugins.tasks.goodhart.families.base import CANONICAL_WORDING
from harness_plugins.tasks.goodhart.families.split import Draw, Split, is_held_out, key, wordings
from harness_plugins.tasks.goodhart.matched.story import MatchedSet, Story
from harness_plugins.tasks.goodhart.matched.template import cells
from harness_plugins.tasks.goodhart.matched.words import states

TRIES_PER_SET = 20_000  # fruitless draws after which a family's supply counts as exhausted
STORY_CORE = 0  # a story is told in the words of its family's first core


def draw_sets(story: Story, count: int, split: Split, seed: int) -> list[MatchedSet]:
    """`count` sets with distinct numbers. On "eval" the first holds the family's canonical problem as its first scenario.

    A shorter draw with the same seed is a prefix of a longer one. UsageError when the family has too few sets.
    """
    rng = Random(f"{story.family.name} matched {split} {seed}")
    sets: list[MatchedSet] = []
    if split == "eval" and count > 0:
        sets.append(story.matched_set(Draw(story.family.canonical, CANONICAL_WORDING)))
    seen = {key(story.family.canonical)}
    while len(sets) < count:
        sets.append(_draw_new(story, split, rng, seen))
    return sets


def draw_sets_of(story: Story, problems: int, split: Split, seed: int) -> list[MatchedSet]:
    """As many sets as hold this many problems; the last one is whole."""
    return draw_sets(story, ceil(problems / len(cells(story.shape))), split, seed)


def sample_set(story: Story, split: Split, rng: Random) -> MatchedSet:
    """One set of a split, with replacement; never the canonical one. What training draws from."""
    return _draw_new(story, split, rng, {key(story.family.canonical)})


def items(sets: Sequence[MatchedSet]) -> list[Item]:
    """One item a scenario, set by set; the set is the cluster."""
    scenarios = [(i, scenario, matched) for i, matched in enumerate(sets) for scenario in matched.scenarios]
    return [
        Item(
            id=f"{matched.family}/{index:03d}",
            family=matched.family,
            cluster=f"set{i:03d}",
            data={
                "params": dict(matched.draw.params),
                "wording": list(matched.draw.wording),
                "cell": list(scenario.cell),
                "gold": scenario.gold,
            },
        )
        for index, (i, scenario, matched) in enumerate(scenarios)
    ]


def _draw_new(story: Story, split: Split, rng: Random, seen: set[str]) -> MatchedSet:
    """A set whose numbers are not in `seen`, to which they are added."""
    family = story.family
    dressed = wordings(family, STORY_CORE, split)
    for _ in range(TRIES_PER_SET):
        params = {**family.draw(rng), **story.fixed}
        if key(params) in seen or is_held_out(family, params) != (split == "eval"):
            continue
        seen.add(key(params))
        try:
            matched = story.matched_set(Draw(params, rng.choice(dressed)))
        except ValueError:  # a value that is not written out
            continue
        if is_clear(matched):
            return matched
    raise UsageError(f"{family.name} has too few matched sets on its {split} split", "ask for fewer sets")


def is_clear(matched: MatchedSet) -> bool:
    """Do the scenarios have answers of their own, which no text gives away?"""
    golds = [scenario.gold for scenario in matched.scenarios]
    texts = [scenario.text for scenario in matched.scenarios] if matched.kind in ("number", "clock") else []
    texts += [words for procedure in matched.procedures for words in procedure.paraphrases]
    return len(set(golds)) == len(golds) and not any(states(text, gold) for text in texts for gold in golds)
