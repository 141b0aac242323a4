"""Carrying a sentence out: operation by operation, on what the sentences before it have come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness_plugins.tasks.goodhart.explaining.course import Course
from harness_plugins.tasks.goodhart.explaining.phrases import Phrase, Phrases, in_hours, minus, plus, times
from harness_plugins.tasks.goodhart.explaining.tokens import NOTHING, Amounts, Operand, Token
from harness_plugins.tasks.goodhart.explaining.verbs import VERBS

CONNECTIVES = frozenset(
    {"so", "then", "now", "therefore", "thus", "hence", "here", "since", "because", "where", "that", "means", "finally"}
)

DECIDES = frozenset({"counts", "decides", "determines", "matters"})  # "the longer of the two counts"


class Sentence:
    def __init__(self, course: Course, row: Sequence[Token]) -> None:
        self.course, self.row = course, row
        self.phrases = Phrases(row, course.meaning, course.meant, course.likelier, course.last_two)
        self.kind, self.after_words = self.phrases.kind, self.phrases.after_words
        self.claims: list[Operand] = []
        self.spoken_of: Operand | None = None  # an operand that stood alone, and that "which is" is about

    def carry_out(self) -> None:
        at = 0
        while at < len(self.row):
            at = max(at + 1, self._step(at))
        for claim in self.claims:  # "grow it for two years to get the balance": how is left open
            if claim.named:
                self.course.name(claim)

    def _step(self, at: int) -> int:
        kind = self.kind(at)
        if kind == "g":
            return self._result(at)
        if kind in VERBS:
            return VERBS[kind](self, at)
        if kind == "K":
            if (phrase := self.operand(at + 1)) and not phrase.operations:
                self.course.current = phrase.operand
                return phrase.end
            return at + 1
        if kind == "Z":
            return self._again(at)
        if kind == "e":
            return self._said_of_current(at)
        if kind in "Q(U":
            return self.equation(at)
        return at + 1

    def operand(self, at: int) -> Phrase | None:
        phrase = self.phrases.read(self.after_words(at))
        if phrase:
            self.course.vetoes.extend(phrase.faults)
        return phrase

    def tie(self, at: int, kinds: str) -> int:
        """Where one of the tying words follows an operand, past what only describes it; or -1."""
        past = self.after_words(at, 7, "o")
        return past if self.kind(past) in kinds else -1

    def settle(
        self, text: str, amounts: Amounts, parts: Sequence[Operand], end: int, within: Amounts = NOTHING, **how: bool
    ) -> int:
        claims, self.claims, self.spoken_of = list(self.claims), [], None
        end, more = self._equals(end)
        self.course.settle(text, amounts, parts, [*claims, *more], within=within, **how)
        return end

    def _equals(self, at: int) -> tuple[int, list[Operand]]:
        """ "= 5", "to get the sale price", "which gives $20" after an operation: its claims."""
        claims: list[Operand] = []
        while True:
            tie = self.after_words(self.phrases.past_remark(self.after_words(at, 4, "o,")), 4, "o,")
            word = self.row[tie].text.lower() if tie < len(self.row) else ""
            copula = self.kind(tie) == "e" and word.split()[0] in ("is", "are", "would", "will", "should")
            if self.kind(tie) not in "eg" or (copula and self.row[tie - 1].text.lower() != "which"):
                return at, claims
            phrase = self.phrases.read(self.after_words(tie + 1))
            if phrase is None or phrase.operations:
                return at, claims
            claims.append(phrase.operand)
            at = phrase.end

    def _result(self, at: int) -> int:
        """ "To find the sale price, …" before an operation; "This gives the sale price" after one."""
        phrase = self.operand(at + 1)
        if phrase is None or phrase.operations:
            return at + 1
        if self.row[at].text.lower().startswith(("to ", "in order")):
            self.claims = [phrase.operand]
        elif phrase.operand.named:
            self._called(phrase.operand)
        else:
            self.course.state(self.course.current, phrase.operand)
        return phrase.end

    def _called(self, noun: Operand) -> None:
        current = self.course.current
        if both := current.amounts & noun.claimable:
            self.course.current = replace(current, amounts=both)
        elif noun.claimable and current.text != "the start":
            self.course.bind(noun, current.amounts)

    def _said_of_current(self, at: int) -> int:
        before = self.row[at - 1].text.lower() if at else ""
        phrase = self.operand(at + 1)
        if phrase is None:
            return at + 1
        if phrase.operand.named and not phrase.operations and before not in ("which", "that", "this"):
            self.course.name(phrase.operand)
        if before == "which" and not phrase.operations:
            if self.spoken_of is None and phrase.operand.named:
                self._called(phrase.operand)
            elif not phrase.operand.named:
                self.course.state(self.spoken_of or self.course.current, phrase.operand)
                self.course.current = self.spoken_of or self.course.current
            return phrase.end
        return at + 1

    def equation(self, at: int) -> int:
        """An expression, an equation, or the subject of a passive sentence."""
        phrase = self.operand(at)
        if phrase is None:
            return at + 1
        if self.kind(phrase.end) in "lk":
            return self._shifted(phrase)
        passive = self.tie(phrase.end, "sari")
        if passive >= 0:
            return self._passive(self.kind(passive), phrase, passive + 1)
        tie = phrase.end
        if self.kind(tie) == ":" and at <= 1 and phrase.operand.named and not phrase.operations:
            value = self.operand(tie + 1)
            if value is not None and value.operations:
                self.claims = [phrase.operand]
            return tie + 1
        tie = self.tie(phrase.end, "e") if phrase.operand.named else (tie if self.kind(tie) == "e" else -1)
        if phrase.operations:
            return self.settle(phrase.operand.text, phrase.operand.amounts, phrase.parts, phrase.end, phrase.within)
        if self.kind(phrase.end) == "*" and self.row[phrase.end].text.lower() == "times":
            return self.do(times, self.course.current, phrase.operand, phrase.end + 1, explicit=False)
        if tie < 0:
            if self.kind(phrase.end) == "w" and self.row[phrase.end].text.lower() in DECIDES:
                self.course.name(phrase.operand)
            self.spoken_of = phrase.operand
            if self.course.meaning.clock and ":" in phrase.operand.text:
                self.course.tell_time(phrase.operand)
            return phrase.end
        right = self.operand(tie + 1)
        if right is None:
            return tie + 1
        whole = self._is_whole(at)
        if right.operand.shares and self.kind(right.end) == "f" and (base := self.operand(right.end + 1)):
            return self.do(minus, base.operand, right.operand, base.end, explicit=True)  # "is 20% off the price"
        if right.operations:
            self.claims = [phrase.operand] if whole else []
            return self.settle(right.operand.text, right.operand.amounts, right.parts, right.end, right.within)
        if right.operand.named and phrase.operand.back:
            self._called(right.operand)
        elif right.operand.named and not right.operand.back:
            self.course.name(right.operand)
        elif whole and (phrase.operand.named or phrase.operand.back):
            self.course.state(phrase.operand, right.operand)
        return right.end

    def _is_whole(self, at: int) -> bool:
        """Is the noun at `at` all that is spoken of, and not the end of a longer phrase ("the amount after the growth")?"""
        before = self.row[at - 1] if at else None
        return before is None or before.kind not in "wotflk" or before.text.lower() in CONNECTIVES

    def _shifted(self, phrase: Phrase) -> int:
        """ "30 minutes after 3:45 PM", "one hour later": a time of day some time from another, or from the last."""
        base = (
            self.operand(phrase.end + 1)
            if "than" in self.row[phrase.end].text or self.kind(phrase.end + 1) == "Q"
            else None
        )
        sign = plus if self.kind(phrase.end) == "l" else minus
        start = base.operand if base else self.course.current
        return self.do(sign, start, phrase.operand, base.end if base else phrase.end + 1, explicit=False)

    def _passive(self, kind: str, phrase: Phrase, at: int) -> int:
        one = phrase.operand
        tie = self.tie(at, {"s": "f", "a": "t", "r": "b", "i": "b"}[kind])
        other = self.operand(tie + 1) if tie >= 0 else None
        if kind in "ri" and other is None:
            return at
        base, operand = (one, other.operand) if kind in "ri" and other else (other.operand if other else None, one)
        explicit = base is not None
        base = base or self.course.base_for(operand)
        sign = minus if kind in "sr" else plus
        return self.do(sign, base, operand, other.end if other else at, explicit=explicit)

    def do(
        self, sign: Callable[[Operand, Operand], Amounts], base: Operand, operand: Operand, end: int, *, explicit: bool
    ) -> int:
        operand = in_hours(operand)
        text = f"{sign.__name__}({base.text}, {operand.text})"
        self.course.again = lambda later: sign(later, operand)
        amounts = sign(base, operand)
        if self.course.meaning.clock and sign is times and any(amount.here == 60 for amount in operand.amounts):
            amounts |= base.amounts  # hours into minutes: amounts on a clock are minutes already
        return self.settle(text, amounts, (base, operand), end, explicit=explicit)

    def _again(self, at: int) -> int:
        """The last operation once more for each further year."""
        course, again = self.course, self.course.again
        if again is None:
            return at + 1
        result, further = course.current, self.course.meaning.repeats - 1
        if further < 1:
            return at + 1
        for _ in range(further):
            result = Operand(result.text, again(result))
        if right := result.amounts & self.course.meaning.true.keys():
            self.course.settle(f"{course.current.text}, again", right, ())
            course.again = None
        elif strange := result.amounts & self.course.meaning.twins.keys():
            self.course.settle(f"{course.current.text}, again", strange, ())
        return at + 1
