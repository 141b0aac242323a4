"""One function a verb: what it does with which operands. Each takes the sentence and where the verb stands, and returns where
its phrase ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from harness_plugins.tasks.goodhart.explaining.phrases import Phrase, minus, over, plus, times
from harness_plugins.tasks.goodhart.explaining.tokens import NOTHING, Amounts, Operand

if TYPE_CHECKING:
    from harness_plugins.tasks.goodhart.explaining.carrying import Sentence


def subtract(sentence: Sentence, at: int) -> int:
    first = sentence.after_words(at + 1)
    if sentence.kind(first) == "f":  # "subtract from the price the coupon"
        base = sentence.operand(first + 1)
        operand = sentence.operand(base.end) if base else None
        if base and operand:
            return sentence.do(minus, base.operand, operand.operand, operand.end, explicit=True)
        return at + 1
    operand = sentence.operand(at + 1)
    if operand is None:
        return at + 1
    tie = sentence.tie(operand.end, "fn")
    if tie >= 0 and sentence.kind(tie) == "n" and (further := _further(sentence, tie)):  # "subtract X and Y from Z"
        end, both = further.end, Operand(f"{operand.operand.text} and {further.operand.text}")
        both = replace(both, amounts=plus(further.operand, operand.operand))
        from_at = sentence.tie(end, "f")
        base = sentence.operand(from_at + 1) if from_at >= 0 else None
        start = base.operand if base else sentence.course.current
        return sentence.do(minus, start, both, base.end if base else end, explicit=base is not None)
    base = sentence.operand(tie + 1) if tie >= 0 and sentence.kind(tie) == "f" else None
    if base:
        return sentence.do(minus, base.operand, operand.operand, base.end, explicit=True)
    return sentence.do(minus, sentence.course.base_for(operand.operand), operand.operand, operand.end, explicit=False)


def _further(sentence: Sentence, tie: int) -> Phrase | None:
    """A second thing to subtract, after "and", unless a verb follows."""
    at = sentence.after_words(tie + 1, 3)
    return sentence.operand(at) if sentence.kind(at) in "Q(" else None


def add(sentence: Sentence, at: int) -> int:
    pair = sentence.after_words(at + 1, 2)
    if sentence.kind(pair) == "P" and (two := sentence.course.last_two()):
        return sentence.do(plus, *two, pair + 1, explicit=True)
    operand = sentence.operand(at + 1)
    if operand is None:
        return at + 1
    tie = sentence.tie(operand.end, "tn")
    base = sentence.operand(tie + 1) if tie >= 0 else None
    if base and sentence.kind(tie) == "n" and sentence.tie(base.end, "t") >= 0:  # "add 1 hour and 30 minutes to 2:45"
        both = plus(base.operand, operand.operand)
        further = sentence.operand(sentence.tie(base.end, "t") + 1)
        if further:
            sum_of_both = Operand(f"{operand.operand.text} and {base.operand.text}", both)
            return sentence.do(plus, further.operand, sum_of_both, further.end, explicit=True)
    if base:
        return sentence.do(plus, base.operand, operand.operand, base.end, explicit=True)
    if operand.operand.named and not sentence.course.grounded(operand.operand):  # "sum the plumbing and the tiling"
        sentence.course.name(operand.operand)
        return operand.end
    return sentence.do(plus, sentence.course.base_for(operand.operand), operand.operand, operand.end, explicit=False)


def multiply(sentence: Sentence, at: int) -> int:
    if sentence.row[at].text.lower().startswith("doubl"):
        operand = sentence.operand(at + 1)
        two = Operand("2", sentence.course.meaning.standing_for(Fraction(2)), decimals=0)
        return sentence.do(times, operand.operand, two, operand.end, explicit=True) if operand else at + 1
    return by(sentence, at, times, "bn")


def divide(sentence: Sentence, at: int) -> int:
    return by(sentence, at, over, "bt")


def by(sentence: Sentence, at: int, sign: Callable[[Operand, Operand], Amounts], ties: str) -> int:
    first = sentence.after_words(at + 1)
    if sentence.kind(first) == "b":
        operand = sentence.operand(first + 1)
        if operand is None:
            return first + 1
        return sentence.do(sign, sentence.course.current, operand.operand, operand.end, explicit=False)
    base = sentence.operand(at + 1)
    tie = sentence.tie(base.end, ties) if base else -1
    if (
        base and tie >= 0 and sentence.kind(sentence.after_words(tie + 1)) in "MDAS"
    ):  # "scale the cups by multiplying …"
        sentence.course.current = base.operand
        return tie + 1
    operand = sentence.operand(tie + 1) if tie >= 0 else None
    if base is None or operand is None:
        return base.end if base else at + 1
    end = sentence.do(sign, base.operand, operand.operand, operand.end, explicit=True)
    more = sentence.after_words(end, 2, "n,")
    if sentence.kind(more) == "b" and (factor := sentence.operand(more + 1)):  # "by the rate and by the years"
        return sentence.do(sign, sentence.course.current, factor.operand, factor.end, explicit=True)
    return end


def change(sentence: Sentence, at: int) -> int:
    """ "Reduce X by Y", "reduce it by Y", "go back X from Y", "reduce X to 80%"."""
    sign = minus if sentence.kind(at) == "R" else plus
    first = sentence.after_words(at + 1, 4)
    base = sentence.operand(first + 1) if sentence.kind(first) == "f" else None
    if base is not None:  # "move from 2:45 PM ahead by 1 hour"
        tie = sentence.tie(base.end, "b")
        operand = sentence.operand(tie + 1) if tie >= 0 else None
        return sentence.do(sign, base.operand, operand.operand, operand.end, explicit=True) if operand else base.end
    if sentence.kind(first) == "b":
        operand = sentence.operand(first + 1)
        if operand is None:
            return first + 1
        return sentence.do(sign, sentence.course.current, operand.operand, operand.end, explicit=False)
    one = sentence.operand(at + 1)
    if one is None:
        return at + 1
    tie = sentence.tie(one.end, "bft")
    other = sentence.operand(tie + 1) if tie >= 0 else None
    if other and sentence.kind(tie) == "b":
        return sentence.do(sign, one.operand, other.operand, other.end, explicit=True)
    if other and sentence.kind(tie) == "f":
        return sentence.do(sign, other.operand, one.operand, other.end, explicit=True)
    if other and other.operand.shares:
        return sentence.do(times, one.operand, other.operand, other.end, explicit=True)
    return sentence.do(sign, sentence.course.base_for(one.operand), one.operand, one.end, explicit=False)


def apply(sentence: Sentence, at: int) -> int:
    """ "Apply the discount to the price": some operation that the reader knows."""
    operand = sentence.operand(at + 1)
    if operand is None or operand.operand.back:
        return at + 1
    tie = sentence.tie(operand.end, "t")
    base = sentence.operand(tie + 1) if tie >= 0 else None
    what, to = operand.operand, base.operand if base else sentence.course.base_for(operand.operand)
    if not (what.amounts | what.shares) & (sentence.course.known | sentence.course.worked_out):
        sentence.course.name(what)
        return operand.end
    amounts = minus(to, what) | plus(to, what) | (times(to, what) if what.shares else NOTHING)
    end = base.end if base else operand.end
    return sentence.settle(f"apply {what.text} to {to.text}", amounts, (what, to), end, loose=True)


def convert(sentence: Sentence, at: int) -> int:
    """ "Convert the miles to kilometers", with or without "by multiplying by 1.6"."""
    operand = sentence.operand(at + 1)
    if operand is None:
        return at + 1
    if sentence.course.meaning.clock and operand.operand.named:  # "the hours to minutes": the same amount
        sentence.course.name(operand.operand)
        return operand.end
    tie = sentence.tie(operand.end, "t")
    target = sentence.operand(tie + 1) if tie >= 0 else None
    end = target.end if target else operand.end
    factors = Operand("the factor", sentence.course.known)
    amounts = (times(operand.operand, factors) | over(operand.operand, factors)) & sentence.course.meaning.true.keys()
    if target and target.operand.named:
        amounts &= target.operand.amounts
    how = sentence.tie(end, "b")
    if how >= 0 and sentence.kind(sentence.after_words(how + 1)) in "MDAS":
        sentence.course.current = operand.operand
        sentence.claims = [target.operand] if target and target.operand.named else []
        return how + 1
    if amounts and sentence.course.grounded(operand.operand):
        return sentence.settle(f"convert {operand.operand.text}", amounts, (operand.operand,), end, loose=True)
    sentence.course.current = operand.operand
    return end


def calculate(sentence: Sentence, at: int) -> int:
    phrase = sentence.operand(at + 1)
    if phrase is None:
        return at + 1
    if sentence.kind(phrase.end) in "lk":  # "takes 3 hours after that"
        return sentence.equation(sentence.after_words(at + 1))
    if phrase.operations:
        return sentence.settle(phrase.operand.text, phrase.operand.amounts, phrase.parts, phrase.end, phrase.within)
    how = sentence.tie(phrase.end, "b:")
    if phrase.operand.named and how >= 0:
        sentence.claims = [phrase.operand]
        return how + 1
    tie = sentence.tie(phrase.end, "e")
    if tie >= 0:
        return sentence.equation(at + 1)
    if phrase.operand.named:
        sentence.course.name(phrase.operand)
    return phrase.end


VERBS: dict[str, Callable[[Sentence, int], int]] = {
    "S": subtract,
    "A": add,
    "M": multiply,
    "D": divide,
    "R": change,
    "I": change,
    "Y": apply,
    "V": convert,
    "C": calculate,
}
