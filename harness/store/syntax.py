"""A Python file's meaning, apart from its comments, docstrings and layout: one parse per file, cached by its content."""

from __future__ import annotations

import ast
import atexit
import contextlib
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from harness.store.files import write_text
from harness.store.paths import cache_folder

LONGEST_WORD = 80  # characters of a text constant that may be a file's name
LARGEST_MEMORY = 4000  # files; beyond it the memory starts anew


@dataclass(frozen=True)
class Source:
    """`body`: sha256 of the syntax tree without docstrings, type-only imports, and the names in imports. `imports`:
    (name bound, name taken or "", module as written, dots included). `words`: text constants that may name files."""

    body: str
    imports: tuple[tuple[str, str, str], ...]
    words: tuple[str, ...]


def parsed(file: Path) -> Source:
    """Raises SyntaxError for what is not Python."""
    content = file.read_bytes()
    key = hashlib.sha256(content).hexdigest()
    known = _memory().get(key)
    if known is None:
        known = _memory()[key] = _parse(content)
    return known


def _parse(content: bytes) -> Source:
    reader = _Reader()
    tree = reader.visit(ast.parse(content))
    body = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return Source(body, tuple(reader.imports), tuple(sorted(reader.words)))


class _Reader(ast.NodeTransformer):
    """Drops what has no effect on results, blanks imports, and notes them and all text constants."""

    def __init__(self) -> None:
        self.imports: list[tuple[str, str, str]] = []
        self.words: set[str] = set()

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if docstring else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.AST]:
        if getattr(node.test, "id", getattr(node.test, "attr", "")) == "TYPE_CHECKING":
            return [self.visit(child) for child in node.orelse]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and 1 < len(node.value) <= LONGEST_WORD and " " not in node.value:
            self.words.add(node.value)
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        self.imports += [(one.asname or one.name.partition(".")[0], "", one.name) for one in node.names]
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        module = "." * node.level + (node.module or "")
        self.imports += [(one.asname or one.name, one.name, module) for one in node.names]
        return ast.Pass()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """import_module("package.module") is an import as well."""
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        named = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if called == "import_module" and isinstance(named, str):
            self.imports.append(("", "", named))
            node.args[0] = ast.Constant("")
        return self.generic_visit(node)


# ----------------------------------------------------------------------------------------------------------- remembered


@cache
def _memory() -> dict[str, Source]:
    """Content's sha256 -> what it means: parsing a few hundred files would take half a second of every plan."""
    path = cache_folder() / "code" / f"syntax-{sys.version_info.major}.{sys.version_info.minor}.json"
    known: dict[str, Source] = {}
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):  # no memory, or a damaged one: parse again
        for key, row in json.loads(path.read_text(encoding="utf-8")).items():
            known[key] = Source(row["body"], tuple(map(tuple, row["imports"])), tuple(row["words"]))
    before = len(known)

    def keep() -> None:
        if len(known) == before:
            return
        rows = known if len(known) <= LARGEST_MEMORY else dict(list(known.items())[before:])
        with contextlib.suppress(Exception):  # a cache that cannot be written costs time, not correctness
            write_text(path, json.dumps({key: asdict(source) for key, source in rows.items()}))

    atexit.register(keep)
    return known
