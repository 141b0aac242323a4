"""A run's replies as a reader gets them, and the labels that readers gave, brought back to the samples they are of."""

from __future__ import annotations

from collections import defaultdict
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


def answered(rows: Iterable[LabelRow], suite: str, reading: str) -> set[str]:
    """The texts that were shown already."""
    return {row.text for row in rows if (row.suite, row.reading) == (suite, reading)}


class Unused:
    """Answers that are not used, by reason, with the first of each."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = defaultdict(list)

    def add(self, why: str, what: str) -> None:
        self._found[why].append(what)

    def lines(self) -> list[str]:
        return [
            f"{NAME}: {len(several)} {why}, not used (the first: {several[0]})" for why, several in self._found.items()
        ]


def labelled_samples(
    plan: Plan, store: RunStore, readings: Mapping[str, Sequence[Reading]]
) -> tuple[list[LabelledSample], list[str]]:
    """The labels of a run by sample, and one line for each kind of answer that is not used.

    `readings`: by suite, those that can be labelled.
    """
    file, unused = read_labels(store.folder), Unused()
    for number in file.broken:
        unused.add("broken lines", f"line {number}")
    known = {(suite, one.name): one for suite, several in readings.items() for one in several}
    rows: dict[tuple[str, str], list[LabelRow]] = defaultdict(list)
    for row in file.rows:
        if (row.suite, row.reading) in known:
            rows[row.suite, row.reading].append(row)
        else:
            unused.add("of a suite or reading that this run lacks", f"{row.suite}, {row.reading}")
    found: list[LabelledSample] = []
    for (suite, name), given in rows.items():
        labelling = known[suite, name].labelling
        assert labelling is not None
        cells = [cell for cell in plan.cells if cell.suite.label == suite]
        replies = {one.key: one for one in replies_to_read(cells, store, labelling.role)}
        for key, label in settled(given, replies, unused).items():
            found += [
                LabelledSample(cell=cell, item=item, repeat=repeat, reading=name, text=key, label=label)
                for cell, item, repeat in replies[key].samples
            ]
    return found, unused.lines()


def settled(rows: Iterable[LabelRow], replies: Mapping[str, ToRead], unused: Unused) -> dict[str, bool]:
    """Text -> its label, for replies of the run that were not skipped and not labelled both ways."""
    given: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.text not in replies:
            unused.add("of a reply that this run lacks", _named((row.cell, row.item, row.repeat)))
        elif row.label != "skip":
            given[row.text].add(row.label)
    for key in [key for key, labels in given.items() if len(labels) > 1]:
        unused.add("replies with two different labels", _named(replies[key].samples[0]))
        del given[key]
    return {key: "yes" in labels for key, labels in given.items()}


def _named(sample: Sample) -> str:
    cell, item, repeat = sample
    return f"{cell}, {item}, run {repeat}"
