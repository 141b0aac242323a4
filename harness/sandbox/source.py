"""A program's source put together from parts."""

from __future__ import annotations

import ast


def joined(prelude: str, source: str) -> str:
    """The source after a prelude. Its `from __future__` imports, which have to come first, move before both.

    Source that is no Python is joined as it is.
    """
    if "__future__" not in source:
        return prelude + source
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return prelude + source
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    lines = source.encode().split(b"\n")  # the columns of a node count bytes
    for node in reversed(imports):
        last = node.end_lineno or node.lineno
        before, after = lines[node.lineno - 1][: node.col_offset], lines[last - 1][node.end_col_offset :]
        lines[node.lineno - 1 : last] = [before + b"pass" + after] + [b""] * (last - node.lineno)
    names = dict.fromkeys(alias.name for node in imports for alias in node.names)
    first = f"from __future__ import {', '.join(names)}\n" if names else ""
    return first + prelude + b"\n".join(lines).decode()
