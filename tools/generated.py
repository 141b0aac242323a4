"""What the generators of docs/reference share: notes that stand beside fields in the source, and pages that stay current."""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def write_or_check(name: str, text: str) -> None:
    """Write the page; with --check, only say whether it is current (exit 1 if not)."""
    page, text = REFERENCE / name, re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"
    if "--check" not in sys.argv:
        page.write_text(text, encoding="utf-8")
    elif not page.is_file() or page.read_text(encoding="utf-8") != text:
        sys.exit(f"{name} is stale: run python tools/{Path(sys.argv[0]).name}")


@dataclass(frozen=True)
class Attribute:
    name: str
    type: str
    default: str  # as the source has it; empty: none
    note: str  # the comment beside it


def attributes(body: list[ast.stmt], source: str) -> Iterator[Attribute]:
    """The annotated attributes of a class, those with a leading underscore apart."""
    comments = comments_of(source)
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id[0] != "_":
            beside = [comments[line] for line in range(node.lineno, (node.end_lineno or 0) + 1) if line in comments]
            default = ast.unparse(node.value) if node.value else ""
            yield Attribute(node.target.id, ast.unparse(node.annotation), default, " ".join(beside))


def comments_of(source: str) -> dict[int, str]:
    """Line -> its comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    return {line: text for line, text in found.items() if not text.startswith(("noqa", "type:", "fmt:"))}


def class_source(cls: type) -> tuple[ast.ClassDef, str]:
    source = textwrap.dedent(inspect.getsource(cls))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    return node, source


def prose(docstring: str | None) -> str:
    """A docstring as Markdown: what is listed under "Raises:" becomes a list."""
    lines, inside = [], False
    for line in inspect.cleandoc(docstring or "").splitlines():
        if line in ("Raises:", "Args:", "Returns:"):
            inside = True
            lines += [line, ""]
        elif inside and line.startswith("    "):
            item = line[4:]
            lines.append(item if item.startswith("    ") else f"- {item}")
        else:
            inside = inside and not line
            lines.append(line)
    return "\n".join(lines)


def row(*cells: str) -> str:
    """A line of a table."""
    texts = (" ".join(text.split()).replace("|", r"\|") for text in cells)
    return f"| {' | '.join(texts)} |"


def code(text: str) -> str:
    return f"`{text}`" if text else ""
