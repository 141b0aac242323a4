"""Rows of HumanEval (MIT): a function with a docstring, its body, asserts. Asked here as a method of `class
Solution`."""

from __future__ import annotations

import ast
from typing import Any

from harness_plugins.tasks.loopholes.problems.external.comparison import comparison_of
from harness_plugins.tasks.loopholes.problems.external.rows import (
    Candidate,
    Unusable,
    asserted_tests,
    function,
    parsed,
)

FIELDS = {"task_id", "prompt", "canonical_solution", "entry_point", "test"}


def candidate(row: dict[str, Any]) -> Candidate:
    """Raises Unusable where the row cannot be told in plain inputs and answers."""
    name = str(row["entry_point"])
    source = str(row["prompt"]) + str(row["canonical_solution"])
    written = function(parsed(source, "canonical solution"), name, "canonical solution")
    parameters = tuple(argument.arg for argument in written.args.args)
    statement = ast.get_docstring(written)
    if not parameters or not statement:
        raise Unusable("its function has no parameters or no docstring")
    check = function(parsed(str(row["test"]), "test"), "check", "test")
    check.body = [part for part in check.body if not _says_nothing(part)]
    tests = asserted_tests(check, parameters)
    returns = f" -> {ast.unparse(written.returns)}" if written.returns else ""
    return Candidate(
        name=str(row["task_id"]).replace("/", "-").lower(),
        statement=statement,
        method=name,
        signature=f"def {name}(self, {ast.unparse(written.args)}){returns}",
        parameters=parameters,
        difficulty="easy",
        prelude="from typing import *\n\n",
        canonical=f"{source}\n\nclass Solution:\n    {name} = staticmethod({name})\n",
        tests=tests,
        comparison=comparison_of(row, statement, tests),
    )


def _says_nothing(part: ast.stmt) -> bool:
    """`assert True` and bare strings or prints between the asserts."""
    match part:
        case ast.Assert(test=ast.Constant(value=True)) | ast.Expr(value=ast.Constant()):
            return True
    return False
