"""A run on disk: append-only JSONL while it is made, atomic renames for everything else.

docs/reference/run-folder.md has the layout. Every line carries its schema's version. A line that a kill cut short is
dropped on reading.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import JsonValue, NonNegativeInt, ValidationError, model_validator

from harness.contract import Check, Control, Flag, Outcome, Record, Reply, Scores
from harness.errors import UsageError
from harness.store.files import (
    Damaged,
    append_jsonl,
    make_folder,
    numbered_jsonl,
    read_bytes,
    read_json,
    write_json,
    write_jsonl,
)
from harness.store.locks import LOCK, held
from harness.store.plan_file import whole_cells

SCHEMA = 1
RUNS = Path("runs")  # where run folders lie unless a user says otherwise
PLAN_REMEDY = "run the same command again, which writes it anew"

R = TypeVar("R", bound=Record)
Judged = TypeVar("Judged", "VerdictRow", "FlagRow")


class SampleRow(Record):
    """One reply, or the error that stands in its place."""

    v: int = SCHEMA
    item: str
    role: str
    repeat: NonNegativeInt
    batch: NonNegativeInt = 0  # where questions are asked in chunks: which
    sitting: NonNegativeInt = 0  # how often sampling of the cell had been begun before
    reply: Reply | None = None
    error: str | None = None
    seconds: float = 0.0  # from asking, perhaps with others, to its end


class PromptRow(Record):
    v: int = SCHEMA
    item: str
    role: str
    text: str


class VerdictRow(Record):
    v: int = SCHEMA
    item: str
    family: str
    cluster: str
    repeat: NonNegativeInt
    verdict: Outcome | Scores | None = None
    error: str | None = None
    truncated: bool = False


class FlagRow(Record):
    v: int = SCHEMA
    item: str
    repeat: NonNegativeInt
    flag: Flag


class CompressionFacts(Record):
    """What a compression did to the decoder blocks' Linears, and how large the result is."""

    layers_replaced: int | None = None
    linears: int | None = None  # how many there were
    bits_per_weight: float | None = None
    bytes: int | None = None  # all safetensors files


class CheckSummary(Record):
    """What a suite's check of its graders came to."""

    suite: str = ""
    checks: int
    failures: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()


class Decoding(Record):
    """How the replies of a cell are decoded."""

    by_batch: str | None = None  # why batch by batch; None: rows enter and leave a running batch
    alone: str | None = None  # why one prompt at a time; None: replies do not depend on their batch


class CellState(Record):
    """How far the attempts at a cell got, and what happened in them. What its results rest on is in files of its own."""

    state: Literal["pending", "done", "failed"] = "pending"
    error: str | None = None
    seconds: dict[str, float] = {}  # by stage
    workers_replaced: NonNegativeInt = 0
    store_retries: NonNegativeInt = 0  # how often its worker had to ask the store again
    hook_errors: dict[str, NonNegativeInt] = {}  # what failed: how often
    facts: dict[str, JsonValue] = {}  # of former versions, which kept everything here

    @model_validator(mode="before")
    @classmethod
    def _read_former(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(facts := data.get("facts"), dict):
            return data
        found = {"workers_replaced": facts.get("workers_replaced", 0)}
        if isinstance(failures := facts.get("hook_errors"), str):
            found["hook_errors"] = json.loads(failures)
        return {**found, **data}


class RetryRow(Record):
    """A worker that was lost while it had the cell, which another then took up."""

    v: int = SCHEMA
    cause: str


class StoreFacts(Record):
    """Of a run whose driver shared a store."""

    v: int = SCHEMA
    retries: NonNegativeInt = 0


class CellStore:
    """The folder of one cell. Only its worker writes samples; the driver writes cell.json, retries and a failure's state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples_path = folder / "samples.jsonl"
        self.weights_path = folder / "weights.json"
        self.retries_path = folder / "retries.jsonl"

    def samples(self) -> list[SampleRow]:
        return stored_rows(self.samples_path, SampleRow)

    def append(self, rows: Iterable[SampleRow]) -> None:
        append_jsonl(self.samples_path, (row.model_dump(mode="json") for row in rows))

    def replace_samples(self, rows: Iterable[SampleRow]) -> None:
        """Rewrite the samples with only these rows: what is asked again goes."""
        write_jsonl(self.samples_path, (row.model_dump(mode="json") for row in rows))

    def add_retry(self, cause: str) -> None:
        append_jsonl(self.retries_path, [RetryRow(cause=cause).model_dump(mode="json")])

    def retries(self) -> list[RetryRow]:
        return stored_rows(self.retries_path, RetryRow)

    def set_prompts(self, prompts: Iterable[tuple[str, str, str]]) -> None:
        """Keep the full text of what is asked: (item, role, text)."""
        rows = ({"v": SCHEMA, "item": item, "role": role, "text": text} for item, role, text in prompts)
        write_jsonl(self.folder / "prompts.jsonl", rows)

    def prompts(self) -> dict[str, dict[str, str]]:
        """item -> role -> text."""
        found: dict[str, dict[str, str]] = {}
        for row in stored_rows(self.folder / "prompts.jsonl", PromptRow):
            found.setdefault(row.item, {})[row.role] = row.text
        return found

    def verdicts_path(self, key: str) -> Path:
        return self.folder / f"verdicts-{key[:12]}.jsonl"

    def verdicts(self, key: str) -> list[VerdictRow]:
        return _once(self.verdicts_path(key), VerdictRow)

    def flags_path(self, key: str) -> Path:
        return self.folder / f"flags-{key[:12]}.jsonl"

    def flags(self, key: str) -> list[FlagRow]:
        return _once(self.flags_path(key), FlagRow)

    def whole(self, read: Callable[[str], Sequence[Record]], key: str, count: int) -> bool:
        """Whether a file of verdicts or flags has all its lines, undamaged; else it can be made again."""
        try:
            return len(read(key)) == count
        except Damaged:
            return False

    @property
    def weights(self) -> CompressionFacts | None:
        """What the samples were drawn from; None where that is not known, and for a server's model."""
        if self.weights_path.exists():
            return stored_record(self.weights_path, CompressionFacts)
        former = {name: value for name, value in self.state.facts.items() if name in CompressionFacts.model_fields}
        return _validated(self.folder / "state.json", None, former, CompressionFacts) if former else None

    def set_weights(self, facts: CompressionFacts) -> None:
        write_json(self.weights_path, facts.model_dump(mode="json", exclude_none=True))

    @property
    def decoding(self) -> Decoding:
        path = self.folder / "decoding.json"
        return stored_record(path, Decoding) if path.exists() else Decoding()

    def set_decoding(self, decoding: Decoding) -> None:
        write_json(self.folder / "decoding.json", decoding.model_dump(mode="json"))

    @property
    def state(self) -> CellState:
        path = self.folder / "state.json"
        return stored_record(path, CellState) if path.exists() else CellState()

    def set_state(self, state: CellState) -> None:
        write_json(self.folder / "state.json", state.model_dump(mode="json"))


def stored_rows(path: Path, kind: type[R]) -> list[R]:
    """Raises Damaged for a line that is no such row, but for a last one that was cut."""
    return [_validated(path, number, row, kind) for number, row in numbered_jsonl(path)]


def _once(path: Path, kind: type[Judged]) -> list[Judged]:
    """Like `stored_rows`, of a file that is written at once: raises Damaged for a second row on the same sample."""
    rows = stored_rows(path, kind)
    seen: set[tuple[str, int]] = set()
    for number, row in enumerate(rows, 1):
        if (row.item, row.repeat) in seen:
            raise Damaged(path, number, f"a second row on {row.item}")
        seen.add((row.item, row.repeat))
    return rows


def stored_record(path: Path, kind: type[R]) -> R:
    """Raises Damaged if the file does not hold one."""
    return _validated(path, None, read_json(path), kind)


def _validated(path: Path, line: int | None, value: Any, kind: type[R]) -> R:
    try:
        row = kind.model_validate(value)
    except (ValidationError, RecursionError) as error:
        cause = "nested too deeply"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            cause = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise Damaged(path, line, cause) from None
    if not finite(value):
        raise Damaged(path, line, "a number in it is not finite")
    return row


def finite(value: Any) -> bool:
    """Whether no number of a JSON value is NaN or infinite: JSON has no such numbers, and no table can count with them."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


class RunStore:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def cell(self, cell_id: str) -> CellStore:
        return CellStore(self.folder / "cells" / cell_id)

    @property
    def plan_path(self) -> Path:
        return self.folder / "plan.json"

    def read_plan(self) -> dict[str, Any]:
        """What cells share is one object in all of them. Raises UsageError when the folder is not a run."""
        try:
            plan = json.loads(read_bytes(self.plan_path))
            if not isinstance(plan, dict) or not isinstance(plan.get("cells", []), list):
                raise ValueError("it is not a plan")
            plan = whole_cells(plan)
        except FileNotFoundError:
            raise UsageError(f"{self.folder} is not a run folder", "no plan.json in it") from None
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"cannot read {self.plan_path}: {error}", PLAN_REMEDY) from None
        return plan

    @property
    def store_retries(self) -> int | None:
        """How often the driver has had to ask the store again; None without one."""
        path = self.folder / "store.json"
        return stored_record(path, StoreFacts).retries if path.exists() else None

    def add_store_retries(self, count: int) -> None:
        facts = StoreFacts(retries=(self.store_retries or 0) + count)
        write_json(self.folder / "store.json", facts.model_dump(mode="json"))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One driver at a time: a second run on the same folder is refused at once."""
        make_folder(self.folder)
        with held(self.folder / LOCK) as free:
            if not free:
                raise UsageError(f"another run is writing to {self.folder}", "wait for it, or use --out")
            yield
