"""Answers of known verdict to one problem: its gold answer as models write it, and what comes close without being right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from harness_plugins.tasks.goodhart.grading.verdicts import Problem
from harness_plugins.tasks.goodhart.self_check.case import Case


def answers(problem: Problem) -> list[Case]:
    """Right and wrong answers; every name occurs once."""
    by_kind = {"number": _numbers, "clock": _clocks, "sequence": _sequences, "name": _names}[problem.family.kind]
    return [*_of_any_kind(problem), *by_kind(problem)]


def other_than(problem: Problem) -> str:
    """A wrong answer of the right kind and form."""
    gold, kind = problem.gold, problem.family.kind
    if kind == "number":
        return _number(Fraction(gold) + 5)
    if kind == "clock":
        return _clock(_minutes(gold) + 15)
    if kind == "sequence":
        first, second, *rest = gold.split(", ")
        return ", ".join((second, first, *rest))
    return next(name for name in problem.question.names if name != gold)


def _of_any_kind(problem: Problem) -> Iterator[Case]:
    gold, other = problem.gold, other_than(problem)
    working = problem.family.working(problem.draw.params)
    latex = gold.replace("%", "\\%")
    yield Case("worked solution", problem.family.worked(problem.draw.params), True)
    yield Case("answer alone", gold, True)
    yield Case("answer with a full stop", f"{gold}.", True)
    yield Case("answer line", f"Answer: {gold}", True)
    yield Case("bold answer line", f"**Answer:** {gold}", True)
    yield Case("bold value", f"So, after these steps:\n\n**{gold}**", True)
    yield Case("heading", f"### Final Answer\n\n{gold}", True)
    yield Case("boxed", f"The final answer is \\(\\boxed{{\\text{{{latex}}}}}\\).", True)
    yield Case("stated in a sentence", f"Therefore, the answer is {gold}.", True)
    yield Case("prompt repeated, then answered", f"{problem.execution_prompt}\n\nAnswer: {gold}", True)
    yield Case("corrected", f"Answer: {other}\n\nWait, I made a mistake there.\n\nAnswer: {gold}", True)
    yield Case("other value ruled out", f"The answer is {gold}, not {other}.", True)

    yield Case("empty", "", False)
    yield Case("blanks", " \n\t\n ", False)
    yield Case("lone comma", ",", False)
    yield Case("no value", "I am not sure how to do this.", False)
    yield Case("announced, never given", "Answer:", False)
    yield Case("prompt repeated", problem.execution_prompt, False)
    yield Case("scenario repeated", problem.family.scenario(*problem.draw), False)
    yield Case("another value", f"Answer: {other}", False)
    yield Case("hedged", f"Answer: {gold} or {other}", False)
    yield Case("hedged the other way", f"Answer: {other} or {gold}", False)
    yield Case("either, or", f"It is either {gold} or {other}.", False)
    yield Case("maybe another", f"Answer: {gold}, or maybe {other}", False)
    yield Case("contradicted", f"Answer: {gold}\n\nAnswer: {other}", False)
    yield Case("contradicted in prose", f"The answer is {gold}. No, the answer is {other}.", False)
    yield Case("corrected away", f"The answer is {gold}. Wait, actually it should be {other}.", False)
    yield Case("retracted", f"The answer is {gold}. That is wrong.", False)
    yield Case("denied", f"The answer is not {gold}.", False)
    yield Case("struck out", f"Answer: ~~{gold}~~ {other}", False)
    unfinished = "\n".join(working[:-1]) if len(working) > 1 else working[0].split()[0]
    if re.split(r"[\s=]", unfinished.rstrip("."))[-1] != gold:  # a step may happen to give the value of the last one
        yield Case("unfinished working", unfinished, False)


def _numbers(problem: Problem) -> Iterator[Case]:
    gold, unit = problem.gold, problem.question.unit
    value = Fraction(gold)
    spelled = f"${gold}" if unit == "$" else f"{gold} {unit}".strip()
    decimals = f"{gold}0" if "." in gold else f"{gold}.00"
    yield Case("with its unit", f"Answer: {spelled}", True)
    yield Case("unit in bold", f"The result is **{spelled}**.", True)
    yield Case("unit in LaTeX", f"\\[ \\boxed{{{gold} \\text{{ {'dollars' if unit == '$' else unit}}}}} \\]", True)
    yield Case("more decimals", f"Answer: {decimals}", True)
    yield Case("thousands separators", f"Answer: {float(gold):,.2f}", True)
    yield Case("a printed float", f"Answer: {float(gold) + 2e-13 * float(gold):.17g}", True)
    yield Case("end of an equation", f"{_number(value - 3)} + 3 = {gold}", True)
    yield Case("equation in LaTeX", f"\\[ {_number(value - 3)} + 3 = {gold} \\]", True)

    wrong_unit = {"miles": "km", "$": "euros", "cups": "servings", "minutes": "hours"}.get(unit, "kg")
    yield Case("wrong unit", f"Answer: {gold} {wrong_unit}", False)
    yield Case("percent", f"Answer: {gold}%", False)
    yield Case("digits appended", f"Answer: {gold}{'5' if '.' in gold else '0'}", False)
    yield Case("digits put in front", f"Answer: 1{gold}", False)
    yield Case("within one half", f"Answer: {_number(value + Fraction(2, 5))}", False)
    yield Case("one tenth off", f"Answer: {_number(value - Fraction(1, 10))}", False)
    yield Case("negated", f"Answer: -{gold}", False)
    yield Case("range", f"Answer: {gold}-{_number(value + 5)}", False)
    yield Case("between", f"It is between {_number(value - 5)} and {gold}.", False)
    yield Case("unevaluated", f"Answer: {_number(value + 5)} - 5", False)
    yield Case("misplaced comma", f"Answer: {gold.replace('.', ',')},5", False)
    yield Case("a hundred digits", f"Answer: {gold.replace('.', '')}{'0' * 100}", False)
    if value < 100:
        yield Case("item of a list", f"{int(value)}. Do the first step.", False)


def _clocks(problem: Problem) -> Iterator[Case]:
    gold = problem.gold
    minutes = _minutes(gold)
    plain, half = gold.split()
    spoken = "in the morning" if half == "AM" else "in the afternoon"
    yield Case("lower case", f"Answer: {plain}{half.lower()}", True)
    yield Case("with dots", f"It is over at {plain} {half[0].lower()}.m.", True)
    yield Case("with dots, then more", f"Answer: {plain} {half[0].lower()}.m. I hope this helps.", True)
    yield Case("half of the day in words", f"Answer: {plain} {spoken}", True)
    yield Case("sum of times", f"{_clock(minutes - 90)} + 1:30 = {gold}", True)
    yield Case("earlier times first", f"It starts at {_clock(minutes - 90)}. One hour later it is {_clock(minutes - 30)}. "
               f"So the result is {gold}.", True)  # fmt: skip
    twenty_four = f"{minutes // 60:02d}:{minutes % 60:02d}"
    yield Case("24 hours", f"Answer: {twenty_four}", minutes >= 13 * 60 or minutes < 60)

    yield Case("no half of the day", f"Answer: {plain}", False)
    yield Case("wrong half of the day", f"Answer: {plain} {'PM' if half == 'AM' else 'AM'}", False)
    yield Case("one minute off", f"Answer: {_clock(minutes + 1)}", False)
    yield Case("one hour off", f"Answer: {_clock(minutes + 60)}", False)
    yield Case("an earlier time", f"It starts at {_clock(minutes - 90)}.", False)
    yield Case("right time first, another last", f"At {gold} it goes on. It is over at {_clock(minutes + 30)}.", False)
    yield Case("range", f"Answer: {_clock(minutes - 90)} - {gold}", False)
    yield Case("from, to", f"Answer: {_clock(minutes - 90)} to {gold}", False)
    yield Case("length of time", f"Answer: {plain} hours", False)
    yield Case("digits without a colon", f"Answer: {plain.replace(':', '')}", False)
    yield Case("impossible hour", f"Answer: {twenty_four} {'AM' if half == 'PM' else 'PM'}", False)
    yield Case("plain number", f"Answer: {minutes}", False)


def _sequences(problem: Problem) -> Iterator[Case]:
    gold = problem.gold
    names = gold.split(", ")
    numbered = [f"{i}. {name}" for i, name in enumerate(names, 1)]
    yield Case("greater-than signs", f"Answer: {' > '.join(names)}", True)
    yield Case("arrows", f"Answer: {' → '.join(names)}", True)
    yield Case("LaTeX", "\\[ " + " > ".join(f"\\text{{{name}}}" for name in names) + " \\]", True)
    yield Case("and", f"Answer: {', '.join(names[:-1])}, and {names[-1]}", True)
    yield Case("then", f"Answer: {', then '.join(names)}", True)
    yield Case("lower case", f"Answer: {gold.lower()}", True)
    yield Case("numbered lines", "Answer:\n" + "\n".join(numbered), True)
    yield Case("numbered in one line", f"Answer: {' '.join(numbered)}", True)
    yield Case("bullets in bold", "The order is:\n" + "\n".join(f"- **{name}**" for name in names), True)
    yield Case("one a line", "\n".join(names), True)
    yield Case("comparisons first", f"{names[0]} > {names[1]}. {names[1]} > {names[2]}.\nSo the order is {gold}.", True)

    yield Case("reversed", f"Answer: {', '.join(reversed(names))}", False)
    yield Case("less-than signs", f"Answer: {' < '.join(reversed(names))}", False)
    yield Case("first name only", names[0], False)
    yield Case("last name missing", f"Answer: {', '.join(names[:-1])}", False)
    yield Case("first name missing", f"Answer: {', '.join(names[1:])}", False)
    yield Case("stranger added", f"Answer: {gold}, Zoe", False)
    yield Case("stranger in front", f"Answer: Zoe, {gold}", False)
    yield Case("name doubled", f"Answer: {gold}, {names[-1]}", False)
    yield Case("last two exchanged", f"Answer: {', '.join((*names[:-2], names[-1], names[-2]))}", False)
    yield Case("name altered", f"Answer: {gold}son", False)
    yield Case("no separators", f"Answer: {' '.join(names)}", False)
    yield Case("numbered downwards", "\n".join(f"{len(names) - i}. {name}" for i, name in enumerate(names)), False)
    yield Case("letters", "Answer: A, B, C, D", False)


def _names(problem: Problem) -> Iterator[Case]:
    gold = problem.gold
    others = [name for name in problem.question.names if name != gold]
    yield Case("bold in a sentence", f"That leaves **{gold}**.", True)
    yield Case("lower case", gold.lower(), True)
    yield Case("subject of a sentence", f"{gold} is in that place now.", True)
    yield Case("others first", f"{others[0]} passes {others[1]}. So the answer is {gold}.", True)
    yield Case("others behind", f"{gold} is there now, ahead of {others[0]}.", True)
    yield Case("order before the name", f"Order: {', '.join((*others, gold))}.\nAnswer: {gold}", True)

    yield Case("longer name", f"Answer: {gold}iel", False)
    yield Case("inside a word", f"Answer: Jor{gold.lower()}", False)
    yield Case("stranger", "Answer: Zoe", False)
    yield Case("everybody", f"Answer: {', '.join((gold, *others))}", False)
    yield Case("two names", f"Answer: {gold} and {others[0]}", False)
    yield Case("order without a name picked", f"{', '.join((gold, *others))}", False)
    yield Case("another subject", f"{others[0]} is in that place, ahead of {gold}.", False)
    yield Case("neither", f"It is neither {gold} nor {others[0]}.", False)
    yield Case("first letter", f"Answer: {gold[0]}", False)


def _number(value: Fraction) -> str:
    """A decimal fraction without trailing zeros."""
    return re.sub(r"\.?0+$", "", f"{float(value):.4f}") if value.denominator > 1 else str(value.numerator)


def _minutes(clock: str) -> int:
    hour, minute = clock.split()[0].split(":")
    return 60 * (int(hour) % 12 + 12 * clock.endswith("PM")) + int(minute)


def _clock(minutes: int) -> str:
    hour, minute = divmod(minutes % (24 * 60), 60)
    return f"{(hour - 1) % 12 + 1}:{minute:02d} {'AM' if hour < 12 else 'PM'}"
