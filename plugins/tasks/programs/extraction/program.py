"""The program in a reply: the last complete one that defines what was asked for.

"Complete" is a class Solution whose method has a body, or a function that has one. Fenced or bare, quoted, in a list,
typed into an interactive session, after a draft, before its tests: the last one wins, with definitions from the reply's
other blocks where it lacks a name that they define (imports in one block, the class in the next), and with the evaluator
where a later block defines that. A reply without a complete program gives what comes closest, so that the graders can say
what is wrong with it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence

from harness_plugins.tasks.programs.extraction.bare import Budget, pieces, without_remarks
from harness_plugins.tasks.programs.extraction.fences import Fence, fences, prolonged
from harness_plugins.tasks.programs.extraction.python import (
    CLASS,
    Piece,
    Wanted,
    Whole,
    lacking,
    whole_class,
    whole_function,
)
from harness_plugins.tasks.programs.extraction.readings import readings
from harness_plugins.tasks.programs.extraction.reasoning import without_reasoning

LONGEST = 100_000  # characters read, from the end of a reply; no honest program is longer
_INVISIBLE = str.maketrans({"\ufeff": "", "\u200b": "", "\u00a0": " ", "\u2028": "\n", "\u2029": "\n"})


def program(reply: str, method: str, evaluator: str = "") -> str:
    """The source with a class Solution to grade. `evaluator` is the function that may grade it, where the prompt speaks of
    one."""
    return _extracted(
        reply,
        lambda node: whole_class(node, method),
        lambda chosen, found: _completed(chosen, found, method, evaluator),
    )


def function(reply: str, name: str) -> str:
    """The source with the function of that name."""
    return _extracted(
        reply,
        lambda node: whole_function(node, name),
        lambda chosen, found: _joined(_lacking_in(chosen, found), chosen.code),
    )


def _extracted(reply: str, wanted: Wanted, completed: Callable[[Piece, Sequence[Piece]], str]) -> str:
    """`completed` adds to the chosen piece what it lacks, from all that was found with it."""
    budget = Budget()
    alone = ""
    if len(reply) <= LONGEST and isinstance(tree := budget.parsed(reply), ast.Module):
        piece = without_remarks(Piece(reply, tree, 0, 0))
        alone = piece.code if piece else reply
        if piece and piece.whole(wanted) is Whole.PROGRAM:
            return alone
    text = reply[-LONGEST:].replace("\r\n", "\n").replace("\r", "\n").translate(_INVISIBLE)
    answer, thought = without_reasoning(text)
    closest: list[Piece] = []
    for part in (answer, *readings(answer), thought, *readings(thought)):
        found = _pieces(part, budget) if part.strip() else []
        complete = [piece for piece in found if piece.whole(wanted) is Whole.PROGRAM]
        if complete:
            return completed(complete[-1], found)
        closest = closest or found
    if alone:
        return alone
    if closest:
        best = max(piece.whole(wanted) for piece in closest)
        return [piece for piece in closest if piece.whole(wanted) is best][-1].code
    blocks = [fence.content for fence in fences(answer) if fence.content.strip()]
    return blocks[-1] if blocks else answer


def _pieces(text: str, budget: Budget) -> list[Piece]:
    """Everything in the text that is Python, in order."""
    lines = text.split("\n")
    found: list[Piece] = []
    bare = list(lines)  # less what fences hold
    end = 0
    for fence in fences(text):
        if fence.start < end:
            continue
        inside = _in_fence(fence, lines, budget)
        found += inside
        end = max([fence.end, *(piece.end for piece in inside)])
        if inside:
            bare[fence.start : end] = ["```"] * (end - fence.start)  # which ends any code before it
    found += pieces(bare, 0, budget)
    return sorted(found, key=lambda piece: piece.start)


def _in_fence(fence: Fence, lines: Sequence[str], budget: Budget) -> list[Piece]:
    """The whole of it where that is Python, with a later end if need be; else the parts that are."""
    for it in (fence, *_with_info(fence), *prolonged(fence, lines)):
        tree = budget.parsed(it.content)
        if isinstance(tree, ast.Module):
            whole = without_remarks(Piece(it.content, tree, it.start, it.end))
            return [whole] if whole else []
    return pieces(fence.content.split("\n"), fence.start + 1, budget)


def _with_info(fence: Fence) -> Iterator[Fence]:
    """The first line of code may stand behind the opening fence."""
    if first := re.search(r"\b(?:class|def|import|from)\s.*", fence.info):
        yield Fence("", f"{first.group()}\n{fence.content}", fence.start, fence.end)


def _completed(chosen: Piece, found: Sequence[Piece], method: str, evaluator: str) -> str:
    """The program with what it lacks: the nearest definition before it, or else after it. A method that a later block
    gives anew, without the class, takes the place of its own."""
    after = [piece for piece in found if piece.start > chosen.start]
    own = {name for names, _ in chosen.definitions() for name in names}
    behind: list[str] = []
    if evaluator and evaluator not in own:
        behind = _definitions(frozenset({evaluator}), after[::-1])
    if corrected := [text for piece in after for text in piece.methods(method)]:
        behind += [corrected[-1], f"{CLASS}.{method} = {method}\n"]
    return _joined(_lacking_in(chosen, found), chosen.code, behind)


def _lacking_in(chosen: Piece, found: Sequence[Piece]) -> list[str]:
    before = [piece for piece in found if piece.start < chosen.start]
    after = [piece for piece in found if piece.start > chosen.start]
    return _definitions(chosen.lacking, [*before[::-1], *after])


def _joined(before: Sequence[str], code: str, behind: Sequence[str] = ()) -> str:
    return "\n\n".join([*before, code, *behind]) if before or behind else code


def _definitions(wanted: frozenset[str], found: Sequence[Piece]) -> list[str]:
    """Statements that define the names, from the first piece that has them, and what these lack in turn; in text order."""
    texts: dict[tuple[int, int], str] = {}
    missing, sought = sorted(wanted), set(wanted)
    while missing:
        name = missing.pop()
        for piece in found:
            defining = [(at, text) for at, (names, text) in enumerate(piece.definitions()) if name in names]
            if defining:
                at, text = defining[-1]
                texts[piece.start, at] = text
                more = lacking(text) - sought
                missing += more
                sought |= more
                break
    return [texts[place] for place in sorted(texts)]
