"""From the rows of a file to problems. A wrong file is refused with row and field; what cannot be graded is counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError
from harness.store.hashing import key_of
from harness.store.rows import Fields, numbered_rows
from harness_plugins.tasks.goodhart.grading.answers import Question, gold_value
from harness_plugins.tasks.goodhart_public.spec import REQUIRED

STANDING_IN = 3  # right ways of other rows, where the file has no wrong ones


@dataclass(frozen=True)
class Problem:
    name: str
    family: str
    cluster: str
    question: str
    answer: str
    graded: Question
    procedures: tuple[str, ...]  # in an order that says nothing
    right: int  # which of them


class Loaded(NamedTuple):
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


class _Row(NamedTuple):
    number: int
    family: str
    cluster: str
    question: str
    answer: str
    procedure: str
    wrong: tuple[str, ...]


def load(path: Path | None, columns: Mapping[str, str]) -> Loaded:
    """Raises UsageError for a file or columns that are missing or wrong, and where no row can be asked."""
    if path is None:
        raise UsageError("goodhart-public needs a file of questions", "--data FILE")
    if missing := [field for field in REQUIRED if field not in columns]:
        raise UsageError(
            f"goodhart-public is not told which columns hold {', '.join(missing)}",
            """-P goodhart-public.columns='{question = "COLUMN", answer = "COLUMN", procedure = "COLUMN"}'""",
        )
    rows = [
        _row(Fields(path, number, row, columns, "columns.{field} of goodhart-public"))
        for number, row in numbered_rows(path)
    ]
    answers: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        answers[row.family][row.answer] = None
    problems, left_out = [], Counter[str]()
    seen: set[str] = set()
    for row in rows:
        question, wrong = _graded(row, tuple(answers[row.family])), row.wrong or _others(row, rows)
        if row.question in seen:
            left_out["repeat a question"] += 1
        elif question is None:
            left_out["have an answer that is neither a number nor one of few words"] += 1
        elif not wrong:
            left_out["have no other procedure to choose from"] += 1
        else:
            seen.add(row.question)
            problems.append(_problem(row, question, wrong))
    notes = [f"{path.name}: {len(problems)} of {len(rows)} rows are asked"]
    notes += [f"{count} rows {why}" for why, count in left_out.items()]
    if not problems:
        raise UsageError("; ".join(notes), "give a file whose rows can be graded")
    return Loaded(tuple(problems), tuple(notes))


def _row(fields: Fields) -> _Row:
    def optional(field: str) -> str:
        return fields.text(field, filled=True, plain=True) if field in fields.columns else ""

    wrong = fields.value("wrong") if "wrong" in fields.columns else []
    if not isinstance(wrong, list) or not all(isinstance(one, str) and one.strip() for one in wrong):
        raise fields.fail("wrong", "it is not a list of texts")
    procedure = fields.text("procedure", filled=True)
    if procedure in wrong:
        raise fields.fail("wrong", "the right procedure is among them")
    if "wrong" in fields.columns and not wrong:
        raise fields.fail("wrong", "it is empty")
    return _Row(
        fields.number,
        optional("family") or "public",
        optional("cluster") or str(fields.number),
        fields.text("question", filled=True),
        fields.text("answer", filled=True, plain=True).strip(),
        procedure,
        tuple(dict.fromkeys(wrong)),
    )


def _graded(row: _Row, answers: Sequence[str]) -> Question | None:
    """How the answer is read: as a number, else as one of the family's answers; None where it can be neither."""
    for question in (
        Question("number", prompt=row.question),
        Question("name", names=tuple(answers), prompt=row.question),
    ):
        try:
            gold_value(row.answer, question)
            return question
        except ValueError:
            continue
    return None


def _others(row: _Row, rows: Sequence[_Row]) -> tuple[str, ...]:
    """Right procedures of other rows of the family, drawn by a hash of both rows."""
    found = {one.procedure for one in rows if one.family == row.family and one.procedure != row.procedure}
    return tuple(sorted(found, key=lambda text: key_of([row.question, text]))[:STANDING_IN])


def _problem(row: _Row, question: Question, wrong: tuple[str, ...]) -> Problem:
    procedures = tuple(sorted((row.procedure, *wrong), key=lambda text: key_of([row.question, text])))
    right = procedures.index(row.procedure)
    return Problem(str(row.number), row.family, row.cluster, row.question, row.answer, question, procedures, right)
