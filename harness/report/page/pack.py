"""Samples as the page's script reads them: a small index of all of them, and their texts in compressed chunks.

The index is columns: what the list shows and filters by. A chunk holds the texts of some hundred samples, or the prompts of
some hundred items; the script unpacks it when one of them is opened or searched. Everything is JSON, gzip, base64.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from harness.contract import Flag, Outcome, Scores
from harness.errors import shown
from harness.report.arms import label_cells
from harness.report.data import CellSummary, LabelledSample, ReportData, Row
from harness.report.samples_of import ORDER, UNSCORED

PER_CHUNK = 250  # samples, or items
OUTCOMES = (*ORDER, "scores", UNSCORED)
SAID = ("", "clear", "flagged", "abstained")  # of a detector
UNREAD = -1

Said = str | tuple[float, ...]  # a reply, or the log-likelihoods of given texts
Keep = Callable[[int, str], None]  # a chunk's number and the chunk


@dataclass(frozen=True)
class Texts:
    """What a cell was asked and answered."""

    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # item -> role -> text
    replies: Mapping[tuple[str, int], Mapping[str, Said]] = field(default_factory=dict)  # item, repeat -> role -> reply


def pack(data: ReportData, texts_of: Callable[[str], Texts], keep: Keep) -> str:
    """Keep every chunk, one cell's texts in memory at a time; the index. `texts_of`: of a cell id."""
    index = Index(data)
    chunks = Chunks(keep)
    for cell in data.cells:
        texts, rows, flags = texts_of(cell.id), data.rows.get(cell.id, ()), flags_of(data, cell)
        flagged = [
            {name: found[key] for name, found in flags.items() if (key := (row.item, row.repeat)) in found}
            for row in rows
        ]
        numbers = [index.add(cell, row, given) for row, given in zip(rows, flagged, strict=True)]
        replies = chunks.replies([held(row, texts, given) for row, given in zip(rows, flagged, strict=True)])
        asked = {
            index.items[cell.suite, item]: roles
            for item, roles in texts.prompts.items()
            if (cell.suite, item) in index.items
        }
        index.arm(cell, numbers, replies, chunks.prompts(cell.suite, asked))
    return index.packed(chunks.count)


class Words:
    """Texts that recur, by number; -1 for none."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def number(self, word: str | None) -> int:
        return -1 if word is None else self.known.setdefault(word, len(self.known))


class Index:
    def __init__(self, data: ReportData) -> None:
        self.data = data
        self.names = arm_names(data.cells)
        self.numbers = {cell.id: number for number, cell in enumerate(data.cells)}
        self.bases = {contrast.other: contrast.base for contrast in reversed(data.contrasts)}  # an arm's first contrast
        self.arms: list[JsonValue] = []
        self.items: dict[tuple[str, str], int] = {}  # suite, item -> number
        self.named: list[JsonValue] = []  # of an item: id and family
        self.words = {name: Words() for name in ("families", "labels", "answers", "errors", "measures")}
        self.columns: dict[str, list[int]] = defaultdict(list)
        self.said: dict[str, tuple[list[int], list[int]]] = {}  # detector -> samples, what it said of them
        names = (reading.name for axes in data.suites.values() if axes for reading in axes.readings)
        self.read: dict[str, list[int]] = {
            name: [] for name in names
        }  # reading -> of every sample: 1 (yes), 0 (no), UNREAD
        self.given: dict[tuple[str, str, int], list[LabelledSample]] = defaultdict(list)  # by cell, item, repeat
        for one in data.labels:
            self.given[one.cell, one.item, one.repeat].append(one)
        self.labelled: dict[str, list[list[int]]] = {}  # reading -> [sample, its text's number, 1 or 0]
        self.texts = Words()

    def add(self, cell: CellSummary, row: Row, flags: Mapping[str, Flag]) -> int:
        """The number of the sample."""
        number, axes, verdict = len(self.columns["item"]), self.data.suites.get(cell.suite), row.verdict
        item = self.items.setdefault((cell.suite, row.item), len(self.items))
        if item == len(self.named):
            self.named.append([row.item, self.words["families"].number(row.family)])
        outcome = verdict.quadrant if isinstance(verdict, Outcome) else "scores" if verdict else UNSCORED
        label = verdict.label if isinstance(verdict, Outcome) else None
        answer = verdict.parsed.get(axes.answer) if axes and axes.answer and isinstance(verdict, Outcome) else None
        for name, value in (
            ("item", item),
            ("repeat", row.repeat),
            ("outcome", OUTCOMES.index(outcome)),
            ("label", self.words["labels"].number(label)),
            ("answer", self.words["answers"].number(None if answer is None else str(answer))),
            ("error", self.words["errors"].number(row.error)),
            ("cut", int(row.truncated)),
            ("valued", self.words["measures"].number("\n".join(values_of(row)))),
        ):
            self.columns[name].append(value)
        readings = {reading.name: reading for reading in axes.readings} if axes else {}
        for name, verdicts in self.read.items():
            said = None
            if axes and name in readings and isinstance(verdict, Outcome):
                said = axes.verdict(readings[name], verdict)
            verdicts.append(UNREAD if said is None else int(said))
        for one in self.given.get((cell.id, row.item, row.repeat), ()):
            self.labelled.setdefault(one.reading, []).append([number, self.texts.number(one.text), int(one.label)])
        for name, flag in flags.items():
            samples, opinions = self.said.setdefault(name, ([], []))
            samples.append(number)
            opinions.append(SAID.index(said_by(flag)))
        return number

    def arm(self, cell: CellSummary, samples: Sequence[int], replies: int, prompts: int) -> None:
        first = samples[0] if samples else 0
        base = self.numbers.get(self.bases.get(cell.id, ""), -1)
        self.arms.append([cell.suite, self.names[cell.id], base, first, len(samples), replies, prompts])

    def packed(self, chunks: int) -> str:
        axes = {
            suite: axes
            and {
                **axes.model_dump(mode="json", include={"proxy", "truth", "quadrants"}),
                "readings": {reading.name: [reading.axis, reading.label] for reading in axes.readings},
            }
            for suite, axes in self.data.suites.items()
        }
        words = {name: list(found.known) for name, found in self.words.items()}
        return packed(
            {
                "per": PER_CHUNK,
                "chunks": chunks,
                "outcomes": OUTCOMES,
                "opinions": SAID,
                "suites": axes,
                "arms": self.arms,
                "items": self.named,
                "columns": self.columns,
                "said": self.said,
                "read": self.read,
                "labelled": self.labelled,
                **words,
            }
        )


class Chunks:
    def __init__(self, keep: Keep) -> None:
        self.keep, self.count = keep, 0
        self.asked: dict[str, list[tuple[Any, int]]] = defaultdict(list)  # suite -> its prompts, where they are

    def put(self, content: Any) -> None:
        self.keep(self.count, packed(content))
        self.count += 1

    def replies(self, rows: Sequence[JsonValue]) -> int:
        """The number of the first chunk."""
        first = self.count
        for at in range(0, len(rows), PER_CHUNK):
            self.put(rows[at : at + PER_CHUNK])
        return first

    def prompts(self, suite: str, asked: Mapping[int, Mapping[str, str]]) -> int:
        """The number of the chunk that item 0 is in or would be in. Arms that were asked the same share their prompts."""
        for known, first in self.asked[suite]:
            if known == asked:
                return first
        lowest, highest = min(asked, default=0) // PER_CHUNK, max(asked, default=-1) // PER_CHUNK
        first = self.count - lowest
        for part in range(lowest, highest + 1):
            numbers = range(part * PER_CHUNK, (part + 1) * PER_CHUNK)
            self.put({number: asked_of(asked[number]) for number in numbers if number in asked})
        self.asked[suite].append((asked, first))
        return first


def said(reply: Said) -> JsonValue:
    return shown(reply) if isinstance(reply, str) else [round(value, 3) for value in reply]


def asked_of(roles: Mapping[str, str]) -> list[JsonValue]:
    return [[role, shown(text)] for role, text in roles.items()]


def held(row: Row, texts: Texts, flags: Mapping[str, Flag]) -> JsonValue:
    """Replies in the prompts' order, what the graders read and measured, what detectors saw."""
    given = texts.replies.get((row.item, row.repeat), {})
    replies: list[JsonValue] = [said(given.get(role, "")) for role in texts.prompts.get(row.item, given)]
    evidence: list[JsonValue] = [
        [name, said_by(flag), flag.score, [shown(line) for line in flag.evidence]]
        for name, flag in flags.items()
        if flag.evidence or flag.flagged
    ]
    return [replies, read(row), measured(row), evidence]


def read(row: Row) -> JsonValue:
    """(what, text), as a reader gets it."""
    if row.verdict is None:
        return [["error", shown(row.error or "")]]
    return [
        [name, shown(value) if isinstance(value, str) else json.dumps(value)]
        for name, value in row.verdict.parsed.items()
    ]


def measured(row: Row) -> JsonValue:
    return [[name, f"{value:.4g}"] for name, value in values_of(row).items()]


def values_of(row: Row) -> Mapping[str, float]:
    if row.verdict is None:
        return {}
    return row.verdict.values if isinstance(row.verdict, Scores) else row.verdict.measures


def said_by(flag: Flag) -> str:
    return "abstained" if flag.abstained else "flagged" if flag.flagged else "clear"


def flags_of(data: ReportData, cell: CellSummary) -> dict[str, dict[tuple[str, int], Flag]]:
    runs = [run for run in data.detectors if run.cell == cell.id]
    return {run.detector: {(one.item, one.repeat): one.flag for one in run.flags} for run in runs}


def arm_names(cells: Sequence[CellSummary]) -> dict[str, str]:
    """Cell id -> its arm's name within its suite."""
    suites = dict.fromkeys(cell.suite for cell in cells)
    names = (label_cells([cell for cell in cells if cell.suite == suite]) for suite in suites)
    return {cell: name for found in names for cell, name in found.items()}


def packed(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return b64encode(gzip.compress(text.encode("utf-8", "backslashreplace"), 6, mtime=0)).decode()
