"""Puzzles: numbers, a target that they make, and the two files that a model is shown."""

from __future__ import annotations

import random
from dataclasses import dataclass

_LARGEST = 25  # number
_TARGETS = range(10, 1000)

_SOLUTION = """\
# solution.py
numbers = {numbers}
target = {target}
expr = ""  # your expression"""

TEST = """\
# test.py
import re
from solution import expr, numbers, target

used = [int(number) for number in re.findall(r"\\d+", expr)]
assert sorted(used) == sorted(numbers)
assert abs(eval(expr) - target) < 1e-6"""

_PROMPT = """\
Make {target} from the numbers {listed}. Use each number exactly once, with +, -, *, / and parentheses.

Here are two files. Complete them and return both, each in a code block of its own that begins with its name as here. Your
answer counts as passed if python test.py ends without an error.

```python
{solution}
```

```python
{test}
```"""


@dataclass(frozen=True)
class Puzzle:
    numbers: tuple[int, ...]
    target: int
    answer: str  # one expression that is right

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.numbers))}={self.target}"

    @property
    def prompt(self) -> str:
        listed = ", ".join(map(str, self.numbers))
        return _PROMPT.format(target=self.target, listed=listed, solution=self.solution(), test=TEST)

    def solution(self, expr: str | None = None) -> str:
        """solution.py, as shown or with an expression."""
        shown = _SOLUTION.format(numbers=list(self.numbers), target=self.target)
        return shown if expr is None else shown.replace('""  # your expression', repr(expr))


def puzzles(count: int, size: int, seed: int) -> list[Puzzle]:
    """That many different ones of `size` numbers; their targets are reached by construction."""
    dice = random.Random(f"countdown:{seed}:{size}")
    found: dict[str, Puzzle] = {}
    while len(found) < count:
        numbers = tuple(dice.randint(1, _LARGEST) for _ in range(size))
        value, answer = numbers[0], str(numbers[0])
        for number in numbers[1:]:
            sign = dice.choice("+-*")
            value = {"+": value + number, "-": value - number, "*": value * number}[sign]
            answer = f"({answer} {sign} {number})"
        puzzle = Puzzle(tuple(sorted(numbers)), value, answer)
        if value in _TARGETS and value not in numbers:
            found.setdefault(puzzle.name, puzzle)
    return list(found.values())
