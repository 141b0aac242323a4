"""A run's replies as a reader gets them, and the labels that readers gave, brought back to the samples they are of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.contract import Reading
from harness.planning.cells import Cell, Plan
from harness.report.data import LabelledSample
from harness.store.hashing import key_of
from harness.store.labels import NAME, LabelRow, read_labels, text_key
from harness.store.run import RunStore

Sample = tuple[str, str, int]  # cell, item, repeat


@dataclass(frozen=True)
class ToRead:
    """A reply, and every sample of the run that consists of this question and this reply."""

    key: str
    question: str
    reply: str
    samples: tuple[Sample, ...]


def replies_to_read(cells: Iterable[Cell], store: RunStore, role: str, seed: int = 0) -> list[ToRead]:
    """Each reply once, in an order that depends on the seed and the texts alone: any first part of it is a random sample
    of the run's different replies, whatever is added later."""
    texts: dict[str, tuple[str, str]] = {}
    samples: dict[str, list[Sample]] = defaultdict(list)
    for cell in cells:
        cell_store = store.cell(cell.id)
        prompts = cell_store.prompts()
        for row in cell_store.samples():
            if row.role == role and row.reply is not None and row.repeat < cell.settings.runs:
                question = prompts.get(row.item, {}).get(row.role, "")
                key = text_key(question, row.reply.text)
                texts[key] = question, row.reply.text
                samples[key].append((cell.id, row.item, row.repeat))
    found = [ToRead(key, *texts[key], tuple(samples[key])) for key in texts]
    return sorted(found, key=lambda one: key_of({"seed": seed, "text": one.key}))


def answered(rows: Iterable[LabelRow], suite: str, reading: str) -> dict[str, set[str]]:
    """Text -> the different answers given to it."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if (row.suite, row.reading) == (suite, reading):
            found[row.text].add(row.label)
    return found


def labelled_samples(
    plan: Plan, store: RunStore, readings: Mapping[str, Sequence[Reading]]
) -> tuple[list[LabelledSample], list[str]]:
    """The labels of a run by sample, and one line for each kind of answer that is not used.

    `readings`: by suite, those that can be labelled.
    """
    file = read_labels(store.folder)
    faults: Counter[str] = Counter()
    first: dict[str, str] = {}

    def leave_out(why: str, what: str, number: int = 1) -> None:
        faults[why] += number
        first.setdefault(why, what)

    if file.broken:
        leave_out("broken lines", f"line {file.broken[0]}", len(file.broken))
    known = {(suite, one.name) for suite, several in readings.items() for one in several}
    for row in file.rows:
        if (row.suite, row.reading) not in known:
            leave_out("of a suite or reading that this run lacks", f"{row.suite}, {row.reading}")
    found: list[LabelledSample] = []
    for suite, several in readings.items():
        cells = [cell for cell in plan.cells if cell.suite.label == suite]
        for reading in several:
            answers = answered(file.rows, suite, reading.name)
            if not (answers and reading.labelling):
                continue
            replies = {one.key: one for one in replies_to_read(cells, store, reading.labelling.role)}
            for row in file.rows:
                if (row.suite, row.reading) == (suite, reading.name) and row.text not in replies:
                    leave_out("of a reply that this run lacks", f"{row.cell}, {row.item}, run {row.repeat}")
            for key, given in answers.items():
                given = given - {"skip"}
                if key not in replies or not given:
                    continue
                if len(given) > 1:
                    cell, item, repeat = replies[key].samples[0]
                    leave_out("replies with two different labels", f"{cell}, {item}, run {repeat}")
                    continue
                found += [
                    LabelledSample(
                        cell=cell, item=item, repeat=repeat, reading=reading.name, text=key, label="yes" in given
                    )
                    for cell, item, repeat in replies[key].samples
                ]
    return found, [f"{NAME}: {count} {why}, not used (the first: {first[why]})" for why, count in faults.items()]
