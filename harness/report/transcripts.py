"""What was asked, answered and judged, sample by sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from pydantic import Field

from harness.contract import Axes, Outcome, Record
from harness.planning.cells import Cell, Plan
from harness.store.run import RunStore, SampleRow, VerdictRow


class Turn(Record):
    role: str
    prompt: str
    reply: str


class Transcript(Record):
    cell: str
    item: str
    repeat: int
    turns: tuple[Turn, ...]
    outcome: str  # quadrant, "scores" or "error"
    verdict: str  # one line: the outcome and what the graders read
    row: VerdictRow
    free: str = Field("", exclude=True)  # what of it the model said freely
    group: str | None = None  # of those that were asked to be unlike each other …
    unlike: float | None = None  # … and how little the others say the same: -1 to 1


def transcripts(
    plan: Plan,
    store: RunStore,
    cell: str | None = None,
    item: str | None = None,
    wanted: Callable[[str, VerdictRow], bool] = lambda suite, row: True,
    axes: Mapping[str, Axes | None] = MappingProxyType({}),
) -> Iterator[Transcript]:
    """Those whose cell and item ids contain the given parts and that are `wanted` (by the suite's label and the verdict).
    `axes`, by suite, have the words for its outcomes."""
    for candidate in plan.cells:
        if cell is None or cell in candidate.id:
            yield from _of_cell(candidate, store, item, wanted, axes.get(candidate.suite.label))


def _of_cell(
    cell: Cell, store: RunStore, item: str | None, wanted: Callable[[str, VerdictRow], bool], axes: Axes | None
) -> Iterator[Transcript]:
    cell_store = store.cell(cell.id)
    rows = {(row.item, row.repeat, row.role): row for row in cell_store.samples()}
    prompts = cell_store.prompts()
    for verdict in cell_store.verdicts(cell.grade_key):
        if verdict.repeat >= cell.settings.runs:
            continue  # of an earlier command, which asked more often
        if (item is not None and item not in verdict.item) or not wanted(cell.suite.label, verdict):
            continue
        turns, found = [], []
        for role, text in prompts.get(verdict.item, {}).items():
            row = rows.get((verdict.item, verdict.repeat, role))
            found += [row] if row else []
            reply = reply_text(row) if row else "(no reply: not asked)"
            turns.append(Turn(role=role, prompt=text, reply=reply))
        yield Transcript(
            cell=cell.id,
            item=verdict.item,
            repeat=verdict.repeat,
            turns=tuple(turns),
            outcome=_outcome(verdict),
            verdict=_line(verdict, axes),
            row=verdict,
            free=free_text(found),
        )


def reply_text(row: SampleRow) -> str:
    """What the model said or, where given text was scored, how likely it found that."""
    if row.reply is None:
        return f"(no reply: {row.error})"
    if found := likelihoods(row):
        what = "log-likelihood" if len(found) == 1 else f"log-likelihoods of {len(found)} given texts"
        return f"({what}: {', '.join(f'{value:.2f}' for value in found)})"
    return row.reply.text


def free_texts(store: RunStore, cell: str) -> dict[tuple[str, int], str]:
    """(item, repeat) -> what the model said there freely, of the cell with this id."""
    found: dict[tuple[str, int], list[SampleRow]] = defaultdict(list)
    for row in store.cell(cell).samples():
        found[row.item, row.repeat].append(row)
    return {key: free_text(rows) for key, rows in found.items()}


def free_text(rows: Iterable[SampleRow]) -> str:
    """Their generated replies; empty where given texts were scored, or nothing was said."""
    return "\n".join(row.reply.text for row in rows if row.reply and not likelihoods(row))


def likelihoods(row: SampleRow) -> tuple[float, ...]:
    """Of the target, or of each choice, in nats; none where a reply was generated."""
    if row.reply is None:
        return ()
    one = row.reply.log_likelihood
    return row.reply.choice_log_likelihoods or (() if one is None else (one,))


def _outcome(row: VerdictRow) -> str:
    if row.verdict is None:
        return "error"
    return str(row.verdict.quadrant) if isinstance(row.verdict, Outcome) else "scores"


def _line(row: VerdictRow, axes: Axes | None) -> str:
    if row.error:
        return f"error: {row.error}"
    if isinstance(row.verdict, Outcome):
        read = ", ".join(f"{key} = {value}" for key, value in row.verdict.parsed.items())
        label = f" ({row.verdict.label})" if row.verdict.label else ""
        outcome = axes.quadrants[row.verdict.quadrant] if axes else row.verdict.quadrant
        return f"{outcome}{label}: {read}"
    return ", ".join(f"{key} = {value:.4g}" for key, value in row.verdict.values.items()) if row.verdict else ""
