"""What an explanation has come to so far: what was worked out, what was vetoed, what "it" is.

Each operation gives the amounts that its phrase may stand for. One that is true in this story is found; one that is true only
in a twin, contradicts what it is said to give, or is false arithmetic is a veto.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from harness_plugins.tasks.goodhart.explaining.amounts import Amount
from harness_plugins.tasks.goodhart.explaining.telling import Meaning
from harness_plugins.tasks.goodhart.explaining.tokens import NOTHING, Amounts, Operand

HALF_A_DAY = 720  # minutes
GENERIC = frozenset(
    {"price", "cost", "amount", "total", "balance", "time", "sum", "value", "number", "percentage", "share", "percent"}
)


class Course:
    """`settle` takes the result of an operation, `name` what is to be found without saying how, `state` a value."""

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self.known = meaning.given | meaning.forms | meaning.rates
        self.start = Operand("the start", frozenset({next(iter(meaning.true))}))
        self.current = self.start  # what "it" is
        self.before: list[Operand] = []  # what "it" was
        self.step = 0  # the number of the step that is read
        self.results: list[tuple[int, Operand]] = []  # of each step
        self.worked_out: set[Amount] = set()
        self.found: list[str] = []
        self.vetoes: list[str] = []
        self.completed: Amounts = NOTHING  # the answer, when it is known in parts
        self.computed: set[Amount] = set()  # results of no name, which a number may stand for later
        self.assumed: list[Operand] = []  # used before they are worked out
        self.bound: dict[str, Amounts] = {}  # what a noun was said to be, whatever it should mean
        self.stray = ""  # an operation after the last one found, which leads nowhere
        self.beyond = ""  # an operation on the answer after it was found
        self.again: Callable[[Operand], Amounts] | None = None  # the last operation, to be done once more

    def settle(
        self,
        text: str,
        amounts: Amounts,
        parts: Sequence[Operand],
        claims: Sequence[Operand] = (),
        *,
        within: Amounts = NOTHING,
        explicit: bool = True,
        loose: bool = False,
    ) -> None:
        """`explicit`: all operands are said; `loose`: the operation is said in a word that means several ("apply")."""
        if not amounts:
            return
        for claim in claims:
            kept = self._agreeing(amounts, claim)
            if kept:
                amounts = kept
            elif kept is not None and not claim.named and not loose:
                self.vetoes.append(f"{text} is not {claim.text}")
                return
        for claim in claims:
            self.bind(claim, amounts)
        right = amounts & self.meaning.true.keys()
        answer = self.meaning.answer
        if answer in amounts:
            self.beyond = ""
        elif any(part.means == {answer} for part in parts):
            self.beyond = f"it goes on from the answer: {text}"
        self.worked_out |= within & self.meaning.true.keys()
        if right:
            self._found(text, right, parts)
        elif amounts & self.known:
            self.current = Operand(text, amounts & self.known)
        elif strange := amounts & self.meaning.twins.keys():
            veto = f"{text} gives {self.meaning.twins[min(strange, key=lambda a: a.worlds)]}, which is a twin's"
            if explicit and not loose:
                self.vetoes.append(veto)
            else:
                self.stray = veto
                self._result(Operand(text, strange))
        elif explicit and not loose and any(part.named and part.decimals is None for part in parts):
            if all(len(part.amounts) == 1 for part in parts):
                self.vetoes.append(f"{text} leads nowhere")
            else:  # "the distance": a noun of several quantities refutes nothing
                self.stray = f"{text} leads nowhere"
        elif any(part.decimals is not None for part in parts) and not loose:
            self.stray = f"{text} leads nowhere"
            self.computed |= amounts
            self._result(Operand(text, amounts))

    def _found(self, text: str, right: Amounts, parts: Sequence[Operand]) -> None:
        ungrounded = [part for part in parts if part.named and part.decimals is None and not self.grounded(part)]
        if ungrounded:
            self.assumed.extend(ungrounded)
        self.found.append(f"{text}: {' or '.join(sorted(self.meaning.true[a] for a in right))}")
        self.worked_out |= right
        self.stray = ""
        if self.meaning.composed(self.worked_out):
            self.worked_out.add(self.meaning.answer)
            self.completed = frozenset({self.meaning.answer})
        self.before.append(self.current)
        self._result(Operand(text, right))

    def _result(self, operand: Operand) -> None:
        self.current = operand
        if not (self.results and self.results[-1][1].amounts == operand.amounts):
            self.results.append((self.step, operand))

    def meant(self, pronoun: Operand) -> Operand:
        """What "it", "the result of step 2" or "the first number" is."""
        if pronoun.step < 0:
            results = [operand for _, operand in self.results]
            return results[-pronoun.step - 1] if len(results) >= -pronoun.step else self.current
        of_step = [operand for step, operand in self.results if step == pronoun.step] if pronoun.step else []
        return of_step[-1] if of_step else self.current

    def last_two(self) -> tuple[Operand, Operand] | None:
        if len(self.results) < 2:
            return None
        return self.results[-2][1], self.results[-1][1]

    def bind(self, noun: Operand, amounts: Amounts) -> None:
        """ "… to find the sale price": from here on the noun means that result, right or wrong."""
        if noun.named and noun.decimals is None and not noun.back and not noun.amounts & self.known:
            self.bound[_key(noun.text)] = amounts & self.meaning.true.keys() or amounts

    @property
    def missing(self) -> list[str]:
        """What was used and never worked out."""
        return [operand.text for operand in self.assumed if not self.grounded(operand)]

    def grounded(self, operand: Operand) -> bool:
        if operand.amounts & (self.computed | frozenset().union(*self.bound.values())):
            return True
        return bool(operand.amounts & (self.known | self.worked_out) or operand.shares & self.known)

    def likelier(self, noun: Operand) -> Operand:
        """Of what a noun may stand for, what has been worked out; "that price" is what was found last."""
        if noun.decimals is not None:
            return noun
        words = noun.text.lower().split()
        if words[0] in ("this", "that", "these"):
            current = self.current
            here = noun.amounts & current.amounts
            if here or (len(words) == 2 and words[1] in GENERIC):
                return replace(current, text=noun.text, amounts=here or current.amounts)
        if bound := self.bound.get(_key(noun.text)):
            return replace(noun, amounts=bound, every=noun.amounts)
        kept = noun.amounts & (self.known | self.worked_out)
        return replace(noun, amounts=kept, every=noun.amounts) if kept else noun

    def _agreeing(self, amounts: Amounts, claim: Operand) -> Amounts | None:
        """Those amounts that are what is claimed; None where the claim says nothing that can be checked."""
        if claim.back or not claim.claimable or (claim.named and claim.claimable <= self.known):
            return None
        if claim.named:
            return amounts & claim.claimable
        stated = claim.amounts | claim.shares | claim.hours
        return frozenset(a for a in amounts if any(self.same(a.here, b.here, claim) for b in stated))

    def same(self, value: Fraction, stated: Fraction, written: Operand) -> bool:
        tolerance = Fraction(51, 100 * 10**written.decimals) if written.decimals else Fraction(1, 200)
        if self.meaning.clock and (value - stated) % HALF_A_DAY == 0:
            return True
        return abs(value - stated) <= tolerance

    def name(self, operand: Operand) -> None:
        """ "Calculate the discount": how is left open, but what it is is said."""
        every = operand.claimable
        right = every & self.meaning.true.keys()
        if right:
            self.worked_out |= frozenset(amount for amount in right & operand.says if self._is_ready(amount))
            self.current = replace(operand, amounts=right)
        elif every and every <= self.meaning.twins.keys():
            self.vetoes.append(f"{operand.text} is a twin's")

    def _is_ready(self, amount: Amount) -> bool:
        """May the amount be found by name, with what is known by now? The answer never is."""
        return amount != self.meaning.answer and self.meaning.needs[amount] <= self.worked_out | self.meaning.given

    def state(self, noun: Operand, value: Operand) -> None:
        """ "The sale price is $20" """
        every = noun.claimable | frozenset(share * 100 for share in noun.shares)
        if not every or noun.text.lower() == "it" or value.named or value.back or value.decimals is None:
            return
        stated = value.amounts | value.shares | value.hours
        right = frozenset(a for a in every if any(self.same(a.here, b.here, value) for b in stated))
        if not right and any(self.same(a.here, b.here, value) for a in self.current.amounts for b in stated):
            self.bind(noun, self.current.amounts)
        elif not right:
            self.vetoes.append(f"{noun.text} is not {value.text}")
        elif noun.named and right & self.meaning.true.keys():
            self.current = replace(noun, amounts=right)
            if self.meaning.answer not in right:
                self.worked_out |= right

    def tell_time(self, time: Operand) -> None:
        """ "… finishing at 11:00 AM": a time that is stated, and so worked out; the answer only where what it needs is."""
        told = time.amounts & self.meaning.true.keys() - self.meaning.given
        for amount in told - self.worked_out:
            needs = self.meaning.needs[amount]
            if amount != self.meaning.answer or (needs and needs <= self.worked_out):
                self.worked_out.add(amount)
                self.found.append(f"{time.text}: {self.meaning.true[amount]}")
        if not told and (strange := time.amounts & self.meaning.twins.keys()):
            self.vetoes.append(f"{time.text} is {self.meaning.twins[min(strange, key=lambda a: a.worlds)]} of a twin")

    def base_for(self, operand: Operand) -> Operand:
        """What an operation without a base is done to: the last result, or what was there before it if that is the operand."""
        current = self.current
        if operand.amounts and operand.amounts & current.amounts:
            return self.before[-1] if self.before else self.start
        return current


def _key(noun: str) -> str:
    """ "The sale price" and "sale price $20" alike."""
    words = [word for word in noun.lower().split() if word not in ("the", "a", "an", "this", "that", "your", "her")]
    return " ".join(word for word in words if not any(character.isdigit() for character in word))
