"""A run on disk: append-only JSONL while it is made, atomic renames for everything else. docs/run-folder.md has the layout.

Every line carries its schema's version. A line that a kill cut short is dropped on reading, with the batch it belongs to.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import JsonValue, ValidationError

from harness.contract import Flag, Outcome, Record, Reply, Scores
from harness.errors import UsageError
from harness.store.files import Damaged, append_jsonl, make_folder, numbered_jsonl, read_json, write_json, write_jsonl
from harness.store.locks import LOCK, held

SCHEMA = 1
PLAN_REMEDY = "run the same command again, which writes it anew"

R = TypeVar("R", bound=Record)


class SampleRow(Record):
    """One reply, or the error that stands in its place. `batch` numbers the fixed partition within (repeat, role)."""

    v: int = SCHEMA
    item: str
    role: str
    repeat: int
    batch: int
    reply: Reply | None = None
    error: str | None = None
    seconds: float = 0.0  # of its whole batch


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
    repeat: int
    verdict: Outcome | Scores | None = None
    error: str | None = None
    truncated: bool = False


class FlagRow(Record):
    v: int = SCHEMA
    item: str
    repeat: int
    flag: Flag


class CompressionFacts(Record):
    """What a compression did to the decoder blocks' Linears, and how large the result is."""

    layers_replaced: int | None = None
    linears: int | None = None  # how many there were
    bits_per_weight: float | None = None
    bytes: int | None = None  # all safetensors files


class CellState(Record):
    """How far the attempts at a cell got, and what happened in them. What its results rest on is in files of its own."""

    state: Literal["pending", "done", "failed"] = "pending"
    error: str | None = None
    seconds: dict[str, float] = {}  # by stage
    facts: dict[str, JsonValue] = {}  # what happened: workers replaced, hooks that failed


class CellStore:
    """The folder of one cell. Only its worker writes samples; the driver writes cell.json and a failure's state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples_path = folder / "samples.jsonl"
        self.weights_path = folder / "weights.json"

    def samples(self) -> list[SampleRow]:
        return _rows(self.samples_path, SampleRow)

    def append(self, rows: Iterable[SampleRow]) -> None:
        append_jsonl(self.samples_path, (row.model_dump(mode="json") for row in rows))

    def replace_samples(self, rows: Iterable[SampleRow]) -> None:
        """Rewrite the samples with only these rows: an unfinished batch is redone whole."""
        write_jsonl(self.samples_path, (row.model_dump(mode="json") for row in rows))

    def set_prompts(self, prompts: Iterable[tuple[str, str, str]]) -> None:
        """Keep the full text of what is asked: (item, role, text)."""
        rows = ({"v": SCHEMA, "item": item, "role": role, "text": text} for item, role, text in prompts)
        write_jsonl(self.folder / "prompts.jsonl", rows)

    def prompts(self) -> dict[str, dict[str, str]]:
        """item -> role -> text."""
        found: dict[str, dict[str, str]] = {}
        for row in _rows(self.folder / "prompts.jsonl", PromptRow):
            found.setdefault(row.item, {})[row.role] = row.text
        return found

    def verdicts_path(self, key: str) -> Path:
        return self.folder / f"verdicts-{key[:12]}.jsonl"

    def verdicts(self, key: str) -> list[VerdictRow]:
        return _rows(self.verdicts_path(key), VerdictRow)

    def flags_path(self, key: str) -> Path:
        return self.folder / f"flags-{key[:12]}.jsonl"

    def flags(self, key: str) -> list[FlagRow]:
        return _rows(self.flags_path(key), FlagRow)

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
        return CompressionFacts.model_validate(former) if former else None

    def set_weights(self, facts: CompressionFacts) -> None:
        write_json(self.weights_path, facts.model_dump(mode="json", exclude_none=True))

    @property
    def state(self) -> CellState:
        path = self.folder / "state.json"
        return stored_record(path, CellState) if path.exists() else CellState()

    def set_state(self, state: CellState) -> None:
        write_json(self.folder / "state.json", state.model_dump(mode="json"))


def _rows(path: Path, kind: type[R]) -> list[R]:
    """Raises Damaged for a line that is no such row, but for a last one that was cut."""
    return [_validated(path, number, row, kind) for number, row in numbered_jsonl(path)]


def stored_record(path: Path, kind: type[R]) -> R:
    """Raises Damaged if the file does not hold one."""
    return _validated(path, None, read_json(path), kind)


def _validated(path: Path, line: int | None, value: Any, kind: type[R]) -> R:
    try:
        return kind.model_validate(value)
    except (ValidationError, RecursionError) as error:
        cause = "nested too deeply"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            cause = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise Damaged(path, line, cause) from None


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
        """Raises UsageError when the folder is not a run."""
        try:
            plan = json.loads(self.plan_path.read_bytes())
            if not isinstance(plan, dict) or not isinstance(plan.get("cells", []), list):
                raise ValueError("it is not a plan")
        except FileNotFoundError:
            raise UsageError(f"{self.folder} is not a run folder", "no plan.json in it") from None
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"cannot read {self.plan_path}: {error}", PLAN_REMEDY) from None
        return plan

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One driver at a time: a second run on the same folder is refused at once."""
        make_folder(self.folder)
        with held(self.folder / LOCK) as free:
            if not free:
                raise UsageError(f"another run is writing to {self.folder}", "wait for it, or use --out")
            yield
