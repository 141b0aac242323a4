"""From tokens to operands: sums and products in signs or in words, percentages of something, what a noun is said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from harness_plugins.tasks.goodhart.explaining.amounts import Amount
from harness_plugins.tasks.goodhart.explaining.telling import Meaning
from harness_plugins.tasks.goodhart.explaining.tokens import NOTHING, Amounts, Operand, Token

MOST_READINGS = 40  # of one phrase
DEEPEST = 12  # brackets


@dataclass(frozen=True)
class Phrase:
    """An operand with where it ends; `operations` counts what it takes to work it out. `parts` are the operands in it."""

    operand: Operand
    end: int
    operations: int = 0
    parts: tuple[Operand, ...] = ()
    faults: tuple[str, ...] = ()
    within: Amounts = NOTHING  # what its parts give on the way


def plus(base: Operand, other: Operand) -> Amounts:
    return _each(lambda a, b: a + b, base.amounts, other.amounts) | _each(
        lambda a, s: a + a * s, base.amounts, other.shares
    )


def minus(base: Operand, other: Operand) -> Amounts:
    of_shares = _each(lambda a, b: a - b, base.shares, other.shares)
    return (
        _each(lambda a, b: a - b, base.amounts, other.amounts)
        | _each(lambda a, s: a - a * s, base.amounts, other.shares)
        | of_shares
    )


def times(base: Operand, other: Operand) -> Amounts:
    return _each(lambda a, b: a * b, base.amounts | base.shares, other.amounts | other.shares)


def over(base: Operand, other: Operand) -> Amounts:
    return _each(lambda a, b: a / b, base.amounts | base.shares, other.amounts | other.shares)


def power(base: Operand, other: Operand) -> Amounts:
    return _each(lambda a, b: a**b, base.amounts | base.shares, other.amounts)


SIGNS: dict[str, Callable[[Operand, Operand], Amounts]] = {"+": plus, "-": minus, "*": times, "/": over, "^": power}


def in_hours(operand: Operand) -> Operand:
    """ "2:45 PM + 1": a bare number on a clock may be hours."""
    return replace(operand, amounts=operand.amounts | operand.hours) if operand.hours else operand


def _each(operation: Callable[[Amount, Amount], Amount], left: Iterable[Amount], right: Iterable[Amount]) -> Amounts:
    results = set()
    for a, b in product(sorted(left, key=_order), sorted(right, key=_order)):
        try:
            results.add(operation(a, b))
        except ArithmeticError:
            continue
        if len(results) >= MOST_READINGS:
            break
    return frozenset(results)


def _order(amount: Amount) -> tuple[Fraction, ...]:
    return amount.worlds


class Phrases:
    """Reads operands from a row of tokens. `current` answers for the pronouns; `likelier` narrows what a noun may stand for."""

    def __init__(
        self,
        row: Sequence[Token],
        meaning: Meaning,
        current: Callable[[Operand], Operand],
        likelier: Callable[[Operand], Operand],
        last_two: Callable[[], tuple[Operand, Operand] | None],
    ) -> None:
        self.row, self.meaning, self.current, self.likelier, self.last_two = row, meaning, current, likelier, last_two
        self.depth = 0

    def kind(self, at: int) -> str:
        return self.row[at].kind if at < len(self.row) else "."

    def after_words(self, at: int, most: int = 4, also: str = "") -> int:
        """The first token from `at` that is no idle word."""
        skipped = 0
        while skipped < most and self.kind(at) in "w" + also:
            at, skipped = at + 1, skipped + 1
        return at

    def read(self, at: int) -> Phrase | None:
        """A whole expression, with its sums and products."""
        return self._chain(at, self._product, "+-")

    def _product(self, at: int) -> Phrase | None:
        return self._chain(at, self._power, "*/")

    def _power(self, at: int) -> Phrase | None:
        return self._chain(at, self.single, "^")

    def _chain(self, at: int, part: Callable[[int], Phrase | None], signs: str) -> Phrase | None:
        left = part(at)
        while left is not None:
            sign_at = self._sign(left, signs)
            right = part(self.after_words(sign_at + 1, 3)) if sign_at >= 0 else None
            if signs == "*/" and right is None and (more := self._counted(left) or self._bracket_factor(left)):
                left = more
                continue
            if right is None:
                break
            left = self._joined(self.kind(sign_at), left, right)
        return left

    def _counted(self, left: Phrase) -> Phrase | None:
        """ "this 2 times", "that twice" """
        at = left.end
        if self.kind(at) == "Q" and self.kind(at + 1) == "*" and self.row[at + 1].text.lower() == "times":
            right = self.single(at)
            return replace(self._joined("*", left, right), end=at + 2) if right else None
        if left.operand.back and self.kind(at) == "Z" and self.row[at].text.lower() == "twice":
            two = Operand("2", self.meaning.standing_for(Fraction(2)), decimals=0)
            return self._joined("*", left, Phrase(two, at + 1, 0, (two,)))
        return None

    def _bracket_factor(self, left: Phrase) -> Phrase | None:
        """ "3000 (1 + 0.5)^2" """
        digits = not left.operand.named and not left.operand.back and not left.operand.shares
        if not digits or self.kind(left.end) != "(":
            return None
        right = self._power(left.end)
        if right is None or right.operand.named or right.operand.shares:
            return None
        return self._joined("*", left, right)

    def _sign(self, left: Phrase, signs: str) -> int:
        """Where an operator follows, past words that only describe the operand ("of the shirt", "cups"), or -1."""
        if self.kind(left.end) in signs:
            return left.end
        literal = left.operand.decimals is not None
        unit = self.past_remark(self.after_words(left.end, 2)) if literal else left.end
        if self.kind(unit) in signs:
            return unit
        past = self.after_words(left.end, 5, "o")
        return past if self.kind(past) in signs and self.row[past].text[0].isalpha() else -1

    def past_remark(self, at: int) -> int:
        """Past brackets that hold only words ("22.4 km (converted) + 2 km")."""
        if self.kind(at) != "(":
            return at
        closes = next((i for i in range(at, min(at + 8, len(self.row))) if self.kind(i) == ")"), at)
        within = self.row[at + 1 : closes]
        digits = any(token.operand is not None and token.operand.decimals is not None for token in within)
        return closes + 1 if within and not digits else at

    def _joined(self, sign: str, left: Phrase, right: Phrase) -> Phrase:
        one, two = left.operand, right.operand
        if sign in "+-":
            one, two = in_hours(one), in_hours(two)
        amounts = SIGNS[sign](one, two)
        text = f"{one.text} {sign} {two.text}"
        return Phrase(
            Operand(text, amounts, named=one.named or two.named),
            right.end,
            left.operations + right.operations + 1,
            (*left.parts, *right.parts),
            (*left.faults, *right.faults),
            left.within
            | right.within
            | (one.amounts if left.operations else NOTHING)
            | (two.amounts if right.operations else NOTHING),
        )

    def single(self, at: int) -> Phrase | None:
        """A number, a noun, a pronoun, brackets, "the sum of", "20% of"."""
        if self.kind(at) == "U":
            return self._named_operation(at)
        if self.kind(at) == "(":
            return self._bracketed(at)
        token = self.row[at] if at < len(self.row) else None
        if token is None or token.operand is None:
            return None
        operand = token.operand
        if operand.back:
            here, noun = self.current(operand), self.likelier(operand) if operand.named else operand
            both = replace(here, text=operand.text, amounts=here.amounts | noun.amounts, back=True, decimals=None)
            return Phrase(both, at + 1, 0, (here,))
        phrase = self._explained(Phrase(operand, at + 1, 0, (operand,)))
        if phrase.operand.named:
            operand = self.likelier(phrase.operand)
            phrase = replace(phrase, operand=operand, parts=(operand,))
        return self._share_of(phrase)

    def _explained(self, phrase: Phrase) -> Phrase:
        """ "the coupon ($5)", "the $5 coupon", "the discount of 20%": a noun and its value, which must be its value."""
        if phrase.operand.unknown:  # "x cups"
            return replace(phrase, end=phrase.end + 1) if self.kind(phrase.end) == "Q" else phrase
        beside, apart = self._beside(phrase)
        if beside is None or beside.operand.back or beside.operand.named == phrase.operand.named:
            return phrase
        if not phrase.operand.named and phrase.operand.decimals is None:
            return phrase
        both = _common(phrase.operand, beside.operand)
        if both is not None:
            return self._explained(replace(phrase, operand=both, end=beside.end, parts=(both,)))
        if not apart:
            unit = beside.end == phrase.end + 1 and not phrase.operand.named and beside.operand.text.isalpha()
            return replace(phrase, end=beside.end) if unit else phrase  # "1 mile": of the unit, not of the story
        noun, number = (beside.operand, phrase.operand) if beside.operand.named else (phrase.operand, beside.operand)
        fault = () if noun.amounts & self.meaning.twins.keys() else (f"{noun.text} is not {number.text}",)
        return replace(phrase, end=beside.end, faults=(*phrase.faults, *fault))

    def _beside(self, phrase: Phrase) -> tuple[Phrase | None, bool]:
        """What stands beside an operand and may explain it, and whether brackets or commas set it apart."""
        at = phrase.end
        past = self.after_words(at, 4, "o") if self.kind(at) in "wo" else at
        if self.kind(past) == "(" and self.depth < DEEPEST:
            self.depth += 1
            inner = self.read(past + 1)
            self.depth -= 1
            closes = self.after_words(inner.end, 3) if inner else past
            return (replace(inner, end=closes + 1), True) if inner and self.kind(closes) == ")" else (None, True)
        appositive = phrase.operand.named and self.kind(past) == "," and self.kind(past + 2) == "e"
        if appositive and self.row[past + 1].text.lower() == "which":
            at, apart = past + 3, True  # ", which is $5,"
        elif self.kind(at) == "o" and phrase.operand.named:
            at, apart = at + 1, False
        elif self.kind(at) in "wo" and self.kind(past) == "Q" and not phrase.operand.named:
            at, apart = past, False  # "2 cups of flour"
        else:
            apart = False
        operand = self.row[at].operand if self.kind(at) == "Q" else None
        if operand is None or (apart and self.kind(at + 1) in "+-*/^o"):
            return None, apart
        return Phrase(operand, at + 1 + (apart and self.kind(at + 1) == ",")), apart

    def _share_of(self, phrase: Phrase) -> Phrase:
        tie = self.kind(phrase.end)
        if not phrase.operand.shares or not (tie == "o" or (tie == "t" and self.row[phrase.end].text.lower() == "on")):
            return phrase
        base = self.single(self.after_words(phrase.end + 1, 3))
        if base is None:
            return phrase
        shares = replace(phrase.operand, amounts=NOTHING)
        text = f"{phrase.operand.text} of {base.operand.text}"
        return Phrase(
            Operand(text, times(shares, base.operand), named=base.operand.named),
            base.end,
            base.operations + 1,
            (shares, *base.parts),
            (*phrase.faults, *base.faults),
        )

    def _named_operation(self, at: int) -> Phrase | None:
        """ "the sum of … and …", "the difference between … and …"."""
        word = self.row[at].text.lower()
        sign = (
            "*"
            if "product" in word
            else "/"
            if "quotient" in word or "ratio" in word
            else "-"
            if "diff" in word
            else "+"
        )
        if self.kind(self.after_words(at + 1)) == "P" and (two := self.last_two()):
            first, second = (Phrase(each, self.after_words(at + 1) + 1, 0, (each,)) for each in two)
            return self._either_way(sign, first, second)
        left = self.single(self.after_words(at + 1))
        if left is None:
            return None
        tie = self.after_words(left.end, 5, "o")
        if self.kind(tie) not in "nf":
            return None
        right = self.single(self.after_words(tie + 1))
        if right is None:
            return None
        return self._either_way(sign, left, right)

    def _either_way(self, sign: str, left: Phrase, right: Phrase) -> Phrase:
        joined = self._joined(sign, left, right)
        if sign != "-":
            return joined
        turned = self._joined(sign, right, left).operand.amounts
        return replace(joined, operand=replace(joined.operand, amounts=joined.operand.amounts | turned), end=right.end)

    def _bracketed(self, at: int) -> Phrase | None:
        if self.depth >= DEEPEST:
            return None
        self.depth += 1
        inner = self.read(self.after_words(at + 1, 2))
        self.depth -= 1
        if inner is None or self.kind(self.after_words(inner.end, 4, "o")) != ")":
            return None
        return self._share_of(replace(inner, end=self.after_words(inner.end, 4, "o") + 1))


def _common(one: Operand, other: Operand) -> Operand | None:
    """What a noun and a number beside it both stand for; None when nothing."""
    number, noun = (other, one) if one.named else (one, other)
    amounts, shares = noun.amounts & number.amounts, noun.shares & number.shares
    if not amounts and number.decimals is not None:  # "the discount rate of 0.2", "a tax of 20"
        shares = shares | (noun.shares & number.amounts)
        if not shares and any(share * 100 in number.amounts for share in noun.shares):
            shares = noun.shares
    if not amounts and not shares:
        return None
    if not amounts and number.shares:  # "the 20% discount": the rate, or what it comes to
        return Operand(f"{one.text} {other.text}", noun.amounts, shares, named=True, says=noun.says)
    return Operand(f"{one.text} {other.text}", amounts, shares, named=True, decimals=number.decimals)
