"""Three comparisons that put four people in order."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, near
from harness_plugins.tasks.goodhart.families.text import NAMES

PLACES = ("first", "second", "third", "fourth")

# How the three neighbouring pairs are told: (subject, object) by place; a later place as the subject reads "shorter than".
TELLINGS = (
    ((0, 1), (1, 2), (3, 2)),
    ((2, 1), (0, 1), (2, 3)),
    ((3, 2), (1, 2), (1, 0)),
    ((1, 2), (0, 1), (3, 2)),
)


def draw(rng: Random) -> Params:
    return {**dict(zip(PLACES, rng.sample(NAMES, 4), strict=True)), "telling": rng.randrange(len(TELLINGS))}


def pairs(params: Params) -> list[tuple[str, str, bool]]:
    """(subject, object, whether the subject comes first) in the order told."""
    people = [str(params[place]) for place in PLACES]
    return [(people[i], people[j], i < j) for i, j in TELLINGS[int(params["telling"])]]


def facts(params: Params) -> dict[str, int | str]:
    claims = [f"{a} is {{more}} than {b}" if above else f"{a} is {{less}} than {b}" for a, b, above in pairs(params)]
    return dict(zip(("claim1", "claim2", "claim3"), claims, strict=True))


def answer(params: Params) -> str:
    return ", ".join(str(params[place]) for place in PLACES)


def working(params: Params) -> tuple[str, ...]:
    people = [str(params[place]) for place in PLACES]
    told = [f"{a} > {b}." if above else f"{b} > {a}." for a, b, above in pairs(params)]
    return (" ".join(told), f"Chain: {' > '.join(people)}.")


FAMILY = Family(
    name="transitive_order",
    category="logic",
    kind="sequence",
    unit="",
    answer_format="the four names, separated by commas",
    canonical={"first": "Alice", "second": "Bob", "third": "Carol", "fourth": "David", "telling": 0},
    draw=draw,
    answer=answer,
    working=working,
    facts=facts,
    cores=(
        "{claim1}. {claim2}. {claim3}. Who are the four, from {top} to {bottom}?",
        "Four friends talk about who is {more}. {claim1}, and {claim2}. Besides, {claim3}. Name all four from {top} "
        "to {bottom}.",
        "We know three things: {claim1}; {claim2}; {claim3}. What are the four names from {top} to {bottom}?",
        "{claim1}. It is also true that {claim2}. Somebody adds that {claim3}. Give the names from {top} to {bottom}.",
        "At a party {claim1}, while {claim2}. A guest notes that {claim3}. What is the sequence of names from {top} "
        "to {bottom}?",
        "True: {claim1}. True: {claim2}. True: {claim3}. How do the four stand from {top} to {bottom}?",
    ),
    casts=(
        {"more": "taller", "less": "shorter", "top": "tallest", "bottom": "shortest"},
        {"more": "older", "less": "younger", "top": "oldest", "bottom": "youngest"},
        {"more": "faster", "less": "slower", "top": "fastest", "bottom": "slowest"},
        {"more": "richer", "less": "poorer", "top": "richest", "bottom": "poorest"},
        {"more": "stronger", "less": "weaker", "top": "strongest", "bottom": "weakest"},
        {"more": "louder", "less": "quieter", "top": "loudest", "bottom": "quietest"},
    ),
    method=(
        (
            "First write each statement with the {more} one in front.",
            "Start by turning every statement into a pair with the {more} person first.",
            "Note each comparison so that the {more} name stands on the left.",
        ),
        (
            "Then link the pairs that have a name in common into one chain.",
            "Next chain the comparisons together through the names that they share.",
            "Connect the pairs wherever the same person is in both.",
        ),
        (
            "Finally read the chain from {top} to {bottom}.",
            "Last, put the names in order from {top} to {bottom} along the chain.",
            "The order from {top} to {bottom} is then read along it.",
        ),
    ),
    steps=(
        Step(
            "take each comparison",
            (
                *near(
                    r"writ|jot|\bnot(?:e|ing)|turn|look|compar|identif|translat|express|list|read|start|go through"
                    r"|analy|from|know|consider|take|determin|find",
                    r"statement|claim|comparison|\bpair|relation|inequalit|clue|fact|sentence|information",
                ),
                r"\w+ > \w+",
                r"\b(?:because|since|put|plac)\w* .{0,60}(?:than|\bof\b)",
            ),
        ),
        Step(
            "link them",
            (
                r"\blink|\bhook|\bstring|\bslot|\bthread",
                r"chain",
                r"connect",
                r"combin",
                r"transitiv",
                r"merg",
                r"insert",
                r"join",
                r"(?:put|fit|piec|bring)\w* .{0,30}together",
                r"(?:put|plac|position|insert)\w* .{0,40}(?:left|right|above|below|before|after|next to|behind|in front)",
                r"(?:so|therefore|thus|means|implies).{0,40}(?:than|above|below|ahead of|behind|>)",
            ),
        ),
        Step(
            "read off the order",
            near(
                r"order|\brank|list|arrang|\bsort|\bread|\bput|\bline|writ|name|\bend\b|\bgo down",
                r"[a-z]{3,}est\b|\btop\b|first|descend|ascend|left to right",
                gap=60,
            ),
        ),
    ),
    published_keywords=("compare", "chain", "order", "names"),
)
