"""Rows of newfacade/LeetCodeDataset (MIT), versions 0.3.0 and 0.3.1: statement, canonical `class Solution`, asserts."""

from __future__ import annotations

from typing import Any

from harness_plugins.tasks.loopholes.problems.external.comparison import comparison_of
from harness_plugins.tasks.loopholes.problems.external.rows import (
    Candidate,
    Unusable,
    asserted_tests,
    function,
    parsed,
    signature,
)

FIELDS = {"task_id", "prompt", "completion", "entry_point", "test"}


def candidate(row: dict[str, Any]) -> Candidate:
    """Raises Unusable where the row cannot be told in plain inputs and answers."""
    described: dict[str, Any] = {**row.get("meta", {}), **row}
    statement = described.get("problem_description") or described.get("question_title")
    if not statement:
        raise Unusable("it has no statement")
    method = str(row["entry_point"]).rpartition(".")[2]
    written = function(parsed(str(row["completion"]), "canonical solution"), method, "canonical solution")
    parameters = tuple(argument.arg for argument in written.args.args[1:])
    if not parameters:
        raise Unusable("its method takes no arguments")
    tests = asserted_tests(function(parsed(str(row["test"]), "test"), "check", "test"), parameters)
    return Candidate(
        name=str(row["task_id"]),
        statement=str(statement).strip(),
        method=method,
        signature=signature(written, method),
        parameters=parameters,
        difficulty=str(described.get("difficulty", "unknown")).lower(),
        prelude=f"{row['prompt']}\n\nfrom builtins import abs, pow\n\n",  # which its star imports hide
        canonical=str(row["completion"]),
        tests=tests,
        comparison=comparison_of(described, str(statement), tests),
    )
