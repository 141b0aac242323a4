"""What is true in a story: its quantities with the nouns that mean them, and what is true only in its twins.

A telling declares the quantities of one scenario as functions of the story's numbers; the answer is the last. Whatever else
a grader needs follows: which amounts belong only to a twin, what a number in a reply may stand for, how to take a percentage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from harness_plugins.tasks.goodhart.explaining.amounts import Amount
from harness_plugins.tasks.goodhart.explaining.notation import pattern
from harness_plugins.tasks.goodhart.families.base import Params
from harness_plugins.tasks.goodhart.matched.story import MatchedSet, Story

WORLDS = 4  # the story's own and three more
TRIES = 3000  # draws in search of the other worlds


@dataclass(frozen=True)
class Quantity:
    """`nouns` is a pattern of the phrases that mean it; "" where it has a value that may be met, and no name."""

    name: str
    amount: Amount
    nouns: str = ""
    given: bool = False
    by_name: bool = True  # whether to say "find it" is to say how
    needs: tuple[str, ...] = ()  # what must have been worked out for that
    rate: bool = False  # a percentage: its amount is the number before the sign


@dataclass(frozen=True)
class Known:
    """A story's numbers, each in every world, and the words of its cast."""

    numbers: Mapping[str, Amount]
    words: Mapping[str, str]

    def __call__(self, *names: str) -> tuple[Amount, ...]:
        return tuple(self.numbers[name] for name in names)


@dataclass(frozen=True)
class Telling:
    """`quantities(known, *cell)` tells one scenario, the answer last. `regime(params)`: worlds differ from the story in
    nothing that it distinguishes (which of two jobs is the longer, how many years)."""

    quantities: Callable[..., Sequence[Quantity]]
    regime: Callable[[Params], object] = lambda params: None
    clock: bool = False  # amounts are minutes, and stand for times of day or lengths of time
    composed: tuple[
        frozenset[str], ...
    ] = ()  # quantities that together are the answer: the hours and the minutes of a time
    repeats: str = ""  # the number that says how often "every year" is


@dataclass(frozen=True)
class Noun:
    pattern: re.Pattern[str]
    amounts: frozenset[Amount]
    shares: frozenset[Amount]
    says: frozenset[Amount]  # those that it is enough to name


@dataclass(frozen=True)
class Meaning:
    """A scenario as its grader needs it."""

    true: Mapping[Amount, str]  # quantity -> its name
    twins: Mapping[Amount, str]  # true in a twin and not here
    forms: frozenset[Amount]  # 0.2, 0.8, 80 of 20 %: of no news
    given: frozenset[Amount]
    rates: frozenset[Amount]
    answer: Amount
    needs: Mapping[Amount, frozenset[Amount]]  # what must be known for a name to be enough
    nouns: tuple[Noun, ...]
    clock: bool
    repeats: int
    compositions: tuple[frozenset[str], ...] = ()
    _by_value: dict[tuple[Fraction, int], frozenset[Amount]] = field(default_factory=dict, repr=False, compare=False)

    def composed(self, amounts: Set[Amount]) -> bool:
        """Do they hold the answer in parts?"""
        names = {self.true[amount] for amount in amounts if amount in self.true}
        return any(parts <= names for parts in self.compositions)

    def standing_for(self, value: Fraction, *, time_of_day: bool = False) -> frozenset[Amount]:
        """What a number in a reply may mean: the quantities of that value, or just the number. "3" on a clock is 15:00, too."""
        period = 12 * 60 if self.clock and not time_of_day else 0
        if (value, period) not in self._by_value:
            plain = Amount((value,) * len(self.answer.worlds))
            here = [each for each in (*self.true, *self.forms, *self.given) if _equal(each.here, value, period)]
            twins = [each for each in self.twins if _equal(each.here, value, period)]
            self._by_value[value, period] = frozenset({*(here or twins), plain})
        return self._by_value[value, period]


def _equal(one: Fraction, other: Fraction, period: int) -> bool:
    return (one - other) % period == 0 if period else one == other


def meaning(telling: Telling, story: Story, matched: MatchedSet, own: int) -> Meaning:
    """What is true in scenario `own` of a set. ArithmeticError where the telling is at fault and has no value for it."""
    worlds = _worlds(telling, story, matched.draw.params)
    numbers = {
        name: Amount(tuple(Fraction(int(world[name])) for world in worlds))
        for name, value in matched.draw.params.items()
        if isinstance(value, int)
    }
    words = {name: re.escape(str(value)) for name, value in story.family.values(*matched.draw).items()}
    told = [telling.quantities(Known(numbers, words), *scenario.cell) for scenario in matched.scenarios]
    here = told[own]
    true = {quantity.amount: quantity.name for quantity in here if not quantity.rate}
    others = [quantity for i, quantities in enumerate(told) if i != own for quantity in quantities]
    named_here = {quantity.nouns for quantity in here}
    nouns: dict[str, list[Quantity]] = {}
    for quantity in (*here, *(other for other in others if other.nouns not in named_here)):
        nouns.setdefault(quantity.nouns, []).append(quantity)
    rates = frozenset(quantity.amount for quantity in here if quantity.rate)
    return Meaning(
        true=true,
        twins={q.amount: q.name for q in others if q.amount not in true and not q.rate},
        forms=frozenset(form for rate in rates for form in _forms(rate)),
        given=frozenset(quantity.amount for quantity in here if quantity.given),
        rates=rates,
        answer=here[-1].amount,
        needs={
            quantity.amount: frozenset(other.amount for other in here if other.name in quantity.needs)
            for quantity in here
        },
        nouns=tuple(_noun(phrases, quantities) for phrases, quantities in nouns.items() if phrases),
        clock=telling.clock,
        repeats=int(numbers[telling.repeats].here) if telling.repeats else 1,
        compositions=telling.composed,
    )


def _noun(nouns: str, quantities: Sequence[Quantity]) -> Noun:
    return Noun(
        re.compile(rf"(?:{pattern(nouns)})(?!\w)", re.IGNORECASE),
        frozenset(quantity.amount for quantity in quantities if not quantity.rate),
        frozenset(quantity.amount / 100 for quantity in quantities if quantity.rate),
        frozenset(quantity.amount for quantity in quantities if quantity.by_name),
    )


def _forms(rate: Amount) -> tuple[Amount, ...]:
    share = rate / 100
    return (rate, share, 1 - share, 1 + share, 100 - rate, 100 + rate)


def _worlds(telling: Telling, story: Story, params: Params) -> list[Params]:
    rng, regime = Random(f"worlds of {story.family.name}"), telling.regime(params)
    worlds = [params]
    for _ in range(TRIES):
        if len(worlds) == WORLDS:
            break
        drawn = story.family.draw(rng)
        if telling.regime(drawn) == regime and drawn not in worlds:
            worlds.append(drawn)
    return worlds
