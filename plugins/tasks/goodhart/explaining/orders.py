"""Explanations whose answer is an order of names: the comparisons that they state, and the orders that they come to.

An explanation leads to the right answer when it states that order, or states comparisons that leave no other one, puts them
together and says from which end the names are read. A comparison or an order that is false is a veto.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from harness_plugins.tasks.goodhart.grading.text import sentences
from harness_plugins.tasks.goodhart.grading.values import listed, sequences


@dataclass(frozen=True)
class Order:
    """The names from the top of the scale to its bottom, the words of the scale, and the order that is asked for."""

    names: tuple[str, ...]
    more: str
    less: str
    top: str
    bottom: str
    asked: tuple[str, ...]
    told: tuple[str, ...]  # as they are first mentioned

    @property
    def upward(self) -> bool:
        return self.asked != self.names


@dataclass(frozen=True)
class Stated:
    found: tuple[str, ...]
    vetoes: tuple[str, ...]
    missing: tuple[str, ...]


_PUTS_TOGETHER = re.compile(
    r"\b(?:combin|arrang|order|sort|rank|chain|put|plac|list|sequence|line up|merg|build|together|rearrang|insert|position"
    r"|link|connect)\w*\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:compar|statement|clue|pair|relation|given information|what is known|fact)\w*\b", re.IGNORECASE
)
_CLAIMS = re.compile(
    r"\b(?:order\w*|arrang\w*|rank\w*|sort\w*|list\w*|so|therefore|thus|final\w*|sequence|result|answer|they are"
    r"|from \w+ to \w+)\b",
    re.IGNORECASE,
)
_HYPOTHETICAL = re.compile(r"\b(?:if|whether|check|suppose|either|might|could|not|n't|who|which)\b", re.IGNORECASE)
_TURNED = re.compile(
    r"\b(?:revers|turn(?:ed|ing)? (?:it |the \w+ )?(?:a)?round|backward|flip|bottom up|upward)\w*", re.IGNORECASE
)


def read(text: str, order: Order) -> Stated:
    found: list[str] = []
    vetoes: list[str] = []
    above: set[tuple[str, str]] = set()  # (higher, lower), as stated
    last: tuple[str, ...] = ()
    together = answered = False
    text = _with_names(text, order)
    direction = _direction(text, order)
    for sentence in sentences(listed(text)):
        certain = not _HYPOTHETICAL.search(sentence)
        for higher, lower in _comparisons(sentence, order):
            if order.names.index(higher) < order.names.index(lower):
                above.add((higher, lower))
                found.append(f"{higher} above {lower}")
            elif certain:
                vetoes.append(f"{higher} is not above {lower}")
        for name, place in _superlatives(sentence, order):
            if name == order.names[place]:
                found.append(f"{name} is the {(order.top, order.bottom)[place]}")
            elif certain:
                vetoes.append(f"{name} is not the {(order.top, order.bottom)[place]}")
        together = together or bool(_PUTS_TOGETHER.search(sentence))
        for names, chained in _orders(sentence, order):
            claimed = chained or "→" in sentence or bool(_CLAIMS.search(sentence))
            answered = names == order.asked
            last = names if claimed or answered else last
            if answered:
                found.append(f"the order {', '.join(names)}")
            elif names == order.asked[::-1]:
                found.append(f"the order {', '.join(names)}, from the other end")
                last = () if chained else last  # a chain of comparisons is no list from either end
            elif claimed and names != order.told:
                vetoes.append(f"the order is not {', '.join(names)}")
    if last and last != order.asked:
        vetoes.append(f"the order is not {', '.join(last)}")
    chained = set(pairwise(order.names)) <= _closure(above) or bool(_COMPARES.search(text))
    missing = []
    if answered and not above and not _COMPARES.search(text):
        missing.append("the comparisons that it follows from")
    if not answered:
        if not chained:
            missing.append("comparisons that leave one order")
        if not together:
            missing.append("putting them together")
        if not direction:
            missing.append(f"reading them from {order.bottom if order.upward else order.top}")
    return Stated(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(vetoes)), tuple(missing))


def _with_names(text: str, order: Order) -> str:
    """Names for the initials that stand for them in formulas ("A > B")."""
    initials = {name[0]: name for name in order.names}
    if len(initials) < len(order.names) or not re.search(r"\b[A-Z]\b\W*[<>]", text):
        return text
    unquoted = re.sub(r"'([A-Z](?: [<>] [A-Z])*)'", r"\1", text)
    return re.sub(r"(?<![\w'])[A-Z](?![\w'])", lambda match: initials.get(match[0], match[0]), unquoted)


def _direction(text: str, order: Order) -> bool:
    """Is the end named from which the names are asked?"""
    first, last = (order.bottom, order.top) if order.upward else (order.top, order.bottom)
    sense = "ascending|increasing" if order.upward else "descending|decreasing"
    named = re.search(
        rf"\b(?:{sense})\b|\b{first}\b(?: \w+)? (?:to|down to|up to)(?: the)? {last}\b|\b(?:with|start\w*)\b[^.]*\b{first}\b",
        text,
        re.IGNORECASE,
    )
    wrong = re.search(rf"\b{last} to(?: the)? {first}\b", text, re.IGNORECASE)
    if order.upward and wrong and _TURNED.search(text):
        return True
    return named is not None and not (wrong and wrong.start() > named.start())


def _comparisons(sentence: str, order: Order) -> Iterator[tuple[str, str]]:
    """(higher, lower) of each comparison; "A > B > C" holds two."""
    names = "|".join(map(re.escape, order.names))
    more = rf">|\b(?:{order.more}|above|over|higher|ahead of)\b"
    less = rf"<|\b(?:{order.less}|below|under|beneath|lower)\b"
    between = rf"(?:(?!{names})[^.;\n,]){{0,30}}?"
    pattern = rf"\b(?P<one>{names})\b{between}(?:(?P<more>{more})|{less}){between}(?=\b(?P<other>{names})\b)"
    for match in re.finditer(pattern, sentence, re.IGNORECASE):
        one, other = _known(match["one"], order), _known(match["other"], order)
        if one != other:
            yield (one, other) if match["more"] else (other, one)


def _superlatives(sentence: str, order: Order) -> Iterator[tuple[str, int]]:
    names = "|".join(map(re.escape, order.names))
    of_some = rf"(?! (?:of|among|between|after|in) (?:the )?(?:three|two|first|{names}))"
    for place, word in ((0, order.top), (-1, order.bottom)):
        is_it = rf"\b(?P<name>{names})\b(?: \w+)? (?:is|as|being|must be|would be)(?: \w+)? the {word}\b{of_some}"
        whom = r"(?: (?:person|one|of (?:all|the four)|friend))?"
        it_is = rf"(?<!to )(?<!to the )\b{word}{whom}(?: is|:| =| \() ?(?P<name>{names})\b(?!['’]s)"
        for pattern in (is_it, it_is):
            for match in re.finditer(pattern, sentence, re.IGNORECASE):
                yield _known(match["name"], order), place


def _orders(sentence: str, order: Order) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Each order of three or more names that a sentence holds, strangers included, and whether it is a chain of signs."""
    for value in sequences(sentence, order.names):
        key = value.key if isinstance(value.key, tuple) else ()
        names = tuple(_known(name, order) for name in key)
        distinct = len({*names}) == len(names)  # "A > B, B > C" is no order
        if distinct and len(names) >= len(order.names) - 1 and len({*names} & {*order.names}) >= 2:
            chained = ">" in value.text or "<" in value.text
            names = names[::-1] if "<" in value.text else names
            if not (len(names) < len(order.names) and _in_order(names, order)):
                yield names, chained


def _in_order(names: Sequence[str], order: Order) -> bool:
    """Part of the right order, from either end."""
    if not {*names} <= {*order.names}:
        return False
    places = [order.names.index(name) for name in names]
    return places in (sorted(places), sorted(places, reverse=True))


def _known(name: str, order: Order) -> str:
    return next((known for known in order.names if known.lower() == name.lower()), name)


def _closure(above: set[tuple[str, str]]) -> set[tuple[str, str]]:
    closed = set(above)
    for _ in range(len(above)):
        closed |= {(a, d) for (a, b), (c, d) in combinations_both(closed) if b == c}
    return closed


def combinations_both(pairs: Sequence | set) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for one, other in combinations(list(pairs), 2):
        yield one, other
        yield other, one
