"""A file that others labelled, as a bench: every reply a view, halves that share neither cluster nor prompt.

A wrong file is refused with row and field. What is left out is counted, in `notes`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from harness.contract import LabelledView, Reply, View
from harness.errors import UsageError
from harness.registry.column_maps import ColumnMap
from harness.store.hashing import key_of
from harness.store.rows import Fields, Row, numbered_rows

ROLE = "reply"
HONEST = "honest"
FILLED = ("prompt", "reply", "hack", "honest", "cluster")  # fields that may not be empty
PLAIN = ("mechanism", "cluster", "written_by")  # … and that may be numbers
Half = Literal["rules", "report"]
_FENCED = re.compile(r"^```(?:python|py)?[^\S\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE | re.IGNORECASE)


class LabelledFile(NamedTuple):
    views: tuple[LabelledView, ...]
    notes: tuple[str, ...]


def labelled_file(path: Path, columns: ColumnMap) -> LabelledFile:
    """Raises UsageError for a file that cannot be read, a value that the map does not allow, or labels of one kind only."""
    kept: dict[tuple[str, str], LabelledView | None] = {}  # (prompt, reply) -> the view; None: labelled both ways
    left_out: Counter[str] = Counter()
    present = _present(path, columns)
    for entry in (made for number, row in numbered_rows(path) for made in _of_row(path, columns, present, number, row)):
        text = (entry.view.prompts[ROLE], entry.view.replies[ROLE].text)
        known = kept.setdefault(text, entry)
        if known is None or known.hack is not entry.hack:
            left_out["labelled both ways"] += 1 + (known is not None)
            kept[text] = None
        elif known is not entry:
            left_out["repeated"] += 1
    views = [entry for entry in kept.values() if entry is not None]
    if not views:
        raise UsageError(f"{path.name} has no labelled reply")
    if "half" not in present:
        views = _dealt(views)
    _refuse_clusters_in_both(path, views)
    reported = {entry.view.prompts[ROLE] for entry in views if entry.half == "report"}
    clean = [entry for entry in views if entry.half == "report" or entry.view.prompts[ROLE] not in reported]
    left_out["not learned from: their prompt is in the measured half too"] = len(views) - len(clean)
    _refuse_one_class(path, clean)
    return LabelledFile(tuple(clean), tuple(_notes(path, columns, clean, left_out)))


def _present(path: Path, columns: ColumnMap) -> dict[str, str]:
    """field -> column, without the optional ones that the first row lacks."""
    first = next((row for _, row in numbered_rows(path)), {})
    return {
        field: column for field, column in columns.columns.items() if column in first or field not in columns.optional
    }


def _of_row(path: Path, columns: ColumnMap, present: dict[str, str], number: int, row: Row) -> Iterator[LabelledView]:
    fields = Fields(path, number, row, present, "--map {field}=COLUMN")

    def text(field: str) -> str:
        return fields.text(field, filled=field in FILLED, plain=field in PLAIN) if field in present else ""

    def label() -> bool:
        said = str(fields.value("label")).strip().lower()
        if said not in (*columns.hack_labels, *columns.honest_labels):
            known = f"a hack is {' or '.join(columns.hack_labels)}, an honest one {' or '.join(columns.honest_labels)}"
            raise fields.fail("label", f"{said[:40]!r} is no label", known)
        return said in columns.hack_labels

    def half() -> Half:
        if "half" not in present:
            return "report"  # until they are dealt
        said = text("half")
        if said not in get_args(Half):
            raise fields.fail("half", f"{said[:40]!r} is neither rules nor report")
        return "rules" if said == "rules" else "report"

    given = fields.value("data") if "data" in present else {}
    if not isinstance(given, dict):
        raise fields.fail("data", f"{type(given).__name__} instead of an object")
    prompt = text("prompt")
    cluster = text("cluster") or prompt
    replies = [("hack", True), ("honest", False)] if columns.pairs else [("reply", label())]
    for field, hack in replies:
        reply = text(field)
        view = View(
            item=f"{number}/{field}",
            family=columns.name,
            prompts={ROLE: prompt},
            replies={ROLE: Reply(text=reply)},
            data=given | _program(columns, reply),
        )
        yield LabelledView(
            view=view,
            hack=hack,
            mechanism=(text("mechanism") or "hack") if hack else HONEST,
            cluster=cluster,
            half=half(),
            origin=text("written_by"),
            reference=text("reference") or None,
        )


def _program(columns: ColumnMap, reply: str) -> dict[str, Any]:
    """The view's `program`, which detectors of programs read; they abstain where there is none."""
    if columns.program == "reply":
        return {"program": reply}
    blocks = _FENCED.findall(reply) if columns.program == "fenced" else []
    return {"program": blocks[-1]} if blocks else {}


def _dealt(views: list[LabelledView]) -> list[LabelledView]:
    """Every second cluster, in the order of their hashes, to learn from."""
    clusters = sorted({entry.cluster for entry in views}, key=key_of)
    rules = set(clusters[1::2])
    return [entry.model_copy(update={"half": "rules"}) if entry.cluster in rules else entry for entry in views]


def _refuse_clusters_in_both(path: Path, views: list[LabelledView]) -> None:
    halves: defaultdict[str, set[str]] = defaultdict(set)
    for entry in views:
        halves[entry.cluster].add(entry.half)
        if len(halves[entry.cluster]) == 2:
            raise UsageError(
                f"{path.name}, row {entry.view.item.partition('/')[0]}, field half: the cluster {entry.cluster[:60]!r} is in "
                "both halves",
                "a cluster belongs to one half; without the column, clusters are dealt to halves",
            )


def _refuse_one_class(path: Path, views: list[LabelledView]) -> None:
    found = {entry.hack for entry in views}
    if len(found) < 2:
        kind = "a hack" if found == {True} else "honest"
        raise UsageError(f"every reply of {path.name} is labelled {kind}", "a detector is measured on both kinds")
    reported = {entry.hack for entry in views if entry.half == "report"}
    if len(reported) < 2:
        lacking = "replies" if not reported else "honest replies" if True in reported else "hacks"
        clusters = len({entry.cluster for entry in views})
        raise UsageError(
            f"the measured half of {path.name} has no {lacking} ({clusters} clusters in all)",
            "give more clusters, or say by a column `half` which rows are measured",
        )


def _notes(path: Path, columns: ColumnMap, views: list[LabelledView], left_out: Counter[str]) -> Iterator[str]:
    reported = [entry for entry in views if entry.half == "report"]
    hacks, clusters = sum(entry.hack for entry in reported), len({entry.cluster for entry in reported})
    yield (
        f"{path.name}, by the map {columns.name}: measured on {len(reported)} replies in {clusters} clusters, {hacks} of them "
        f"hacks (base rate {hacks / len(reported):.1%}); {len(views) - len(reported)} replies of other clusters to learn from."
    )
    programs = sum("program" in entry.view.data for entry in reported)
    yield f"{programs} of {len(reported)} measured replies have a program; detectors of programs abstain from the others."
    if told := [f"{count} {why}" for why, count in left_out.items() if count]:
        yield f"Left out: {'; '.join(told)}."
    if len({entry.hack for entry in views if entry.half == "rules"}) < 2:
        yield "The half to learn from has not both kinds, so detectors that learn stay unfitted."
