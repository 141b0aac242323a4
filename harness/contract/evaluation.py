"""Items, prompts, replies, and the two verdicts on each item.

The one idea: an item has a *proxy* (what the reply looks like) and a *truth* (what it is). `Outcome` holds both verdicts on
one item, so every rate is a count of joint outcomes and never a quotient of two marginal scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue, model_validator

from harness.contract.labelling import Labelling
from harness.contract.records import Record


class Item(Record):
    """One question of a suite.

    `family` is a row of the report; `cluster` names the resampling unit within a family (items that share a wording or a
    template are not independent); `data` is whatever the suite needs to prompt and grade it, as JSON.
    """

    id: str
    family: str
    cluster: str
    data: dict[str, JsonValue] = {}


class Prompt(Record):
    """One user turn, asked in its own context. `role` names it within the item ("understanding", "execution").

    With `target` set nothing is generated: the reply carries the log-likelihood of `target` after `text`. With `choices` set
    it carries that of each of them, as if each were a target, with the text read once. Not both.

    With `quotes` set the text has those roles' names in braces, and is asked with their replies in these places. A prompt
    quotes prompts that come before it in its item.
    """

    role: str
    text: str
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    target: str | None = None
    choices: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _target_or_choices(self) -> Prompt:
        if self.choices and self.target is not None:
            raise ValueError("a prompt has a target or choices, not both")
        return self

    @property
    def scored(self) -> bool:
        """Whether given text is scored, and nothing generated."""
        return self.target is not None or bool(self.choices)

    @property
    def continuations(self) -> tuple[str, ...]:
        """The texts that are scored, none where a reply is generated."""
        return self.choices if self.target is None else (self.target,)

    def quoting(self, replies: Mapping[str, str]) -> Prompt:
        """What is asked once the replies that it quotes are known, by role; braces within a reply stay as they are."""
        if not self.quotes:
            return self
        places = "|".join(re.escape(f"{{{role}}}") for role in self.quotes)
        text = re.sub(places, lambda place: replies[place.group()[1:-1]], self.text)
        return self.model_copy(update={"text": text, "quotes": ()})


class TokenFidelity(Record):
    """How two models foretell the same tokens: one value for each of T scored tokens. p is the untouched model's distribution
    over the vocabulary, q the model's. Nats."""

    kl: tuple[float, ...]  # KL(p ‖ q) = Σ p (ln p − ln q)
    reverse_kl: tuple[float, ...]  # KL(q ‖ p)
    overlap: tuple[float, ...]  # Σ min(p, q): 1 less the total variation distance
    same_top: tuple[bool, ...]  # both find the same token likeliest
    source: tuple[float, ...]  # ln p of the token that is there
    model: tuple[float, ...]  # ln q of it


class Reply(Record):
    """What the model answered: text without special tokens, its length in tokens, whether the token limit cut it.

    Where given text was scored, `text` is empty and `tokens` counts what was scored, over all choices.
    """

    text: str
    tokens: int = 0
    truncated: bool = False
    log_likelihood: float | None = None  # nats, summed over the target's tokens
    choice_log_likelihoods: tuple[float, ...] = ()  # likewise, one per choice in the prompt's order
    fidelity: TokenFidelity | None = None  # where a suite compares two models


class Quadrant(StrEnum):
    BOTH = "both"
    PROXY_ONLY = "proxy_only"
    TRUTH_ONLY = "truth_only"
    NEITHER = "neither"


class Outcome(Record):
    """The joint verdict on one item. `parsed` is what the graders read (shown beside a verdict, never graded again)."""

    proxy: bool
    truth: bool
    label: str | None = None
    measures: dict[str, float] = {}
    parsed: dict[str, JsonValue] = {}

    @property
    def quadrant(self) -> Quadrant:
        if self.truth:
            return Quadrant.BOTH if self.proxy else Quadrant.TRUTH_ONLY
        return Quadrant.PROXY_ONLY if self.proxy else Quadrant.NEITHER


class Scores(Record):
    """Verdict of a suite without a truth axis (perplexity, a stock lm-eval task): named numbers.

    `pooled` has one value for each part of the item (a token of a text), of which the report gives quantiles over the parts of
    all items.
    """

    values: dict[str, float]
    pooled: dict[str, tuple[float, ...]] = {}
    parsed: dict[str, JsonValue] = {}


class Rate(Record):
    """A rate is two sets of quadrants: #numerator / #denominator, e.g. DBDK = truth_only / (both + truth_only)."""

    name: str
    title: str
    numerator: frozenset[Quadrant]
    denominator: frozenset[Quadrant] = frozenset(Quadrant)
    better: Literal["high", "low"] = "high"
    short: str = ""  # a word for narrow tables and gates, as "does"; empty: the name


class Reading(Record):
    """One way to read an axis, where a suite has several."""

    name: str  # the measure (0 or 1) that holds its verdict where readings stand side by side
    axis: Literal["proxy", "truth"]
    title: str  # "understanding by choosing"; in the title of the joint table where it leads
    label: str  # what takes the place of the axis' own label
    measures: dict[str, str] = {}  # as in `Axes`
    labelling: Labelling | None = None  # where people can judge the verdict by reading the reply

    def holding_under(self, params: Mapping[str, JsonValue]) -> Reading:
        """Without an error that was measured under other parameters of the suite."""
        return self.model_copy(update={"labelling": self.labelling and self.labelling.holding_under(params)})


class Axes(Record):
    """How a suite's quadrant table is labelled."""

    proxy: str
    truth: str
    quadrants: dict[Quadrant, str]
    rates: tuple[Rate, ...]
    measures: dict[str, str] = {}  # Outcome.measures key -> column title; reported as means
    answer: str = ""  # the key of Outcome.parsed with the answer that was read, where there is one
    readings: tuple[
        Reading, ...
    ] = ()  # how the axes are read, where a suite has several ways; an axis' first one leads

    def leading(self) -> tuple[Reading, ...]:
        """The readings that the proxy and the truth of an outcome are."""
        return tuple({reading.axis: reading for reading in reversed(self.readings)}.values())[::-1]

    def under(self, readings: Sequence[Reading]) -> Axes:
        """The axes as these readings read them. Where there are several of an axis, each has its verdict among the
        measures."""
        if not readings:
            return self
        axes = self.model_copy(update={"readings": tuple(readings)})
        labels: dict[str, str] = {reading.axis: reading.label for reading in axes.leading()}
        several = len(readings) > len(labels)
        verdicts = {reading.name: reading.title for reading in readings} if several else {}
        own = {key: title for reading in readings for key, title in reading.measures.items()}
        return axes.model_copy(update={**labels, "measures": {**self.measures, **own, **verdicts}})

    def labelled(self) -> tuple[Reading, ...]:
        """The readings whose error people can measure by reading replies."""
        return tuple(reading for reading in self.readings if reading.labelling)

    def verdict(self, reading: Reading, outcome: Outcome) -> bool | None:
        """What a reading says; None where the outcome does not hold it."""
        if reading in self.leading():
            return outcome.proxy if reading.axis == "proxy" else outcome.truth
        value = outcome.measures.get(reading.name)
        return None if value is None else value == 1

    def holding_under(self, params: Mapping[str, JsonValue]) -> Axes:
        """Without errors that were measured under other parameters of the suite than these."""
        return self.model_copy(update={"readings": tuple(one.holding_under(params) for one in self.readings)})


class Check(Record):
    """An answer whose verdict is known, and the verdict that the suite gave."""

    name: str
    expected: str
    got: str

    @property
    def passed(self) -> bool:
        return self.expected == self.got


class Control(Record):
    """What a strategy that knows nothing gets from a reading: a fixed preference, words in common. It should pass nothing."""

    name: str
    reading: str  # the name of the reading
    passes: int
    of: int


class SelfCheck(Record):
    """A suite's proof of its own graders. `table` (optional, rows of cells, first row the header) is what doctor
    prints; `notes` (for example on a data file) appear in the report as well."""

    checks: tuple[Check, ...]
    table: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)


def by_id(items: Iterable[Item]) -> dict[str, Item]:
    return {item.id: item for item in items}
