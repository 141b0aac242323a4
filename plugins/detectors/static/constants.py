"""Constant folding, as far as a program that hides a string is likely to go."""

from __future__ import annotations

import ast
from typing import Any

UNKNOWN = "\N{WHITE SQUARE}"  # in a text, stands for a part that is known only when the program runs
_DEPTH = 12


class NotConstant(Exception):
    pass


def text_of(node: ast.AST | None, depth: int = _DEPTH) -> str | None:
    """The string that an expression makes, unknown parts as UNKNOWN; None if it is not a string."""
    if depth == 0:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(data)):
            return data.decode("utf-8", "replace")
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, depth - 1) or UNKNOWN for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = text_of(left, depth - 1), text_of(right, depth - 1)
            return None if first is None and second is None else (first or UNKNOWN) + (second or UNKNOWN)
        case ast.BinOp(left=left, op=ast.Mod()):
            return text_of(left, depth - 1)
        case ast.Call(
            func=ast.Attribute(value=value, attr="join"), args=[ast.List(elts=parts) | ast.Tuple(elts=parts)]
        ):
            between = text_of(value, depth - 1)
            return None if between is None else between.join(text_of(part, depth - 1) or UNKNOWN for part in parts)
        case ast.Call(
            func=ast.Attribute(value=value, attr="format" | "encode" | "upper" | "lower" | "title" | "strip")
        ):
            return text_of(value, depth - 1)
    return None


def value_of(node: ast.expr) -> Any:
    """The value of a literal expression. Raises NotConstant for anything else."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise NotConstant from None


def is_truthy(node: ast.expr | None) -> bool:
    """A constant that counts as true."""
    try:
        return node is not None and bool(value_of(node))
    except NotConstant:
        return False


def is_constant(node: ast.expr) -> bool:
    try:
        value_of(node)
    except NotConstant:
        return False
    return True
