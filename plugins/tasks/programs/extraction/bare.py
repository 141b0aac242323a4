"""Code that stands in a text without fences around it: between prose, indented, or as an interactive session."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from harness_plugins.tasks.programs.extraction.python import Piece, lacking, parsed

_START = re.compile(
    r"""(?:class|def|async\s+def)\s+\w | from\s+[\w.]+\s+import\b | import\s+\w | @\w | try:\s*$ | if\s+__name__
      | [A-Za-z_][\w.]*(?:\[[^\]]*\])?\s*(?::[^=]+)?=(?!=)""",
    re.VERBOSE,
)
_PROMPT = re.compile(r"^\s*(?:>>>|In \[\d+\]:)(?:[ \t](.*)|[ \t]*)$")
_CONTINUED = re.compile(r"^\s*\.\.\.:?(?:[ \t](.*)|[ \t]*)$")
_GOES_ON = re.compile(r"^@|[\[({\\\"':]")  # or may: the line alone says nothing
_FENCE = re.compile(r"\s*(?:`{3}|~{3})")
_QUOTE = re.compile(r"^[ ]{0,3}(?:>[ ]?)+")

MOST_CHARACTERS = 1_500_000  # parsed for one reply: an honest one needs a small part of that


class Budget:
    """How much more of a reply may be parsed; a text made to be parsed again and again ends here."""

    def __init__(self) -> None:
        self.left = MOST_CHARACTERS

    def parsed(self, code: str) -> ast.Module | SyntaxError | None:
        self.left -= len(code) + 1
        return parsed(code) if self.left > 0 else None


def pieces(lines: Sequence[str], offset: int, budget: Budget) -> list[Piece]:
    """Everything in the lines that is Python, read as they stand, as an interactive session, and as a quotation."""
    found: list[Piece] = []
    for reading, session in _readings(lines):
        for piece in _runs(reading, offset, budget, session):
            if all(piece.end <= other.start or other.end <= piece.start for other in found):
                found.append(piece)
    return found


def _readings(lines: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
    yield lines, False
    if any(map(_PROMPT.match, lines)):
        yield _of_session(lines), True
    elif any(map(_QUOTE.match, lines)):
        yield [_QUOTE.sub("", line) for line in lines], False


def _runs(lines: Sequence[str], offset: int, budget: Budget, session: bool) -> Iterator[Piece]:
    """Every longest run of lines that is Python, from a line that begins like code on."""
    at = 0
    while at < len(lines) and budget.left > 0:
        piece = _piece(lines, at, offset, budget, session) if _begins(lines[at].strip(), budget) else None
        if piece:
            yield piece
        at = piece.end - offset if piece else at + 1


def _begins(line: str, budget: Budget) -> bool:
    """Does code begin with this line? Prose that looks so ("x = the number of apples") is soon told from it."""
    if not _START.match(line):
        return False
    return bool(_GOES_ON.search(line)) or isinstance(budget.parsed(line), ast.Module)


def _of_session(lines: Sequence[str]) -> list[str]:
    """What was typed, line by line; what was printed becomes blank."""
    typed: list[str] = []
    typing = False
    for line in lines:
        match = _PROMPT.match(line) or (_CONTINUED.match(line) if typing else None)
        typing = match is not None
        typed.append((match[1] or "") if match else "")
    return typed


def _piece(lines: Sequence[str], at: int, offset: int, budget: Budget, session: bool) -> Piece | None:
    block = _dedented(lines, at)
    while block:
        found = budget.parsed("\n".join(block))
        if isinstance(found, ast.Module):
            return without_remarks(
                Piece("\n".join(block) + "\n", found, offset + at, offset + at + len(block)), session
            )
        if found is None:
            return None
        at_fault = min((found.lineno or 1) - 1, len(block) - 1)
        if not _FENCE.match(block[at_fault]) and (block[at_fault][:1].isspace() or _START.match(block[at_fault])):
            return None  # a fault in the code, not prose behind it
        block = block[:at_fault]
    return None


def _dedented(lines: Sequence[str], at: int) -> list[str]:
    """The lines from `at` on, less its indentation, until one that is indented less."""
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    block: list[str] = []
    for line in lines[at:]:
        if line.strip() and not line.startswith(indent):
            break
        block.append(line[len(indent) :] if line.strip() else "")
    return block


def without_remarks(piece: Piece, session: bool = False) -> Piece | None:
    """Without words of prose that happen to parse ("Done", "Complexity: linear"), and without what a session only looked
    at. The piece itself where there are none; None where nothing is left."""
    unknown = lacking(piece.code)
    remarks = [it for it in piece.tree.body if _is_remark(it, unknown) or (session and isinstance(it, ast.Expr))]
    if not remarks:
        return piece if piece.tree.body else None
    lines = piece.code.split("\n")
    for node in remarks:
        last = node.end_lineno or node.lineno
        lines[node.lineno - 1 : last] = [""] * (last - node.lineno + 1)
    code = "\n".join(lines).strip("\n") + "\n"
    tree = parsed(code)
    return Piece(code, tree, piece.start, piece.end) if isinstance(tree, ast.Module) and tree.body else None


def _is_remark(node: ast.stmt, unknown: frozenset[str]) -> bool:
    """An annotation or an expression without effect, of a name that nothing defines; a name alone."""
    if not isinstance(node, ast.AnnAssign | ast.Expr) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        return False
    lone_name = isinstance(node, ast.Expr) and isinstance(node.value, ast.Name)
    return lone_name or any(isinstance(part, ast.Name) and part.id in unknown for part in ast.walk(node))
