"""What was read from a data file, kept: running every canonical solution takes a while, and each worker needs the same."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from harness.sandbox import Comparison
from harness.store.code import code_digest
from harness.store.paths import cache_folder
from harness_plugins.tasks.loopholes.problem import Problem, Test


def cached(path: Path) -> tuple[list[Problem], list[str]] | None:
    """Problems and report of this very file under this very code, or None."""
    try:
        stored = json.loads(_place(path).read_text(encoding="utf-8"))
        return [_problem(fields) for fields in stored["problems"]], stored["report"]
    except (OSError, ValueError, LookupError, TypeError):  # none yet, or a damaged one
        return None


def keep(path: Path, problems: list[Problem], report: list[str]) -> None:
    """Renamed into place, so that a reader sees all of it or nothing."""
    place = _place(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    draft.write_text(json.dumps({"problems": [_fields(problem) for problem in problems], "report": report}))
    draft.replace(place)


def _place(path: Path) -> Path:
    key = sha256(path.read_bytes() + code_digest(f"{__package__}.load").encode()).hexdigest()
    return cache_folder() / "problems" / f"{key[:32]}.json"


def _problem(fields: dict) -> Problem:
    tests = {part: tuple(Test(**test) for test in fields[part]) for part in ("visible", "held_out")}
    comparison = Comparison.model_validate(fields["comparison"])
    return Problem(**{**fields, **tests, "wrong": tuple(fields["wrong"]), "comparison": comparison})


def _fields(problem: Problem) -> dict:
    return {**asdict(problem), "comparison": problem.comparison.model_dump()}
