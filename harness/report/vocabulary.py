"""The words by which samples are called: what a table shows is what `show --label` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.contract import Axes, Outcome, Quadrant
from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.report.measures import plain
from harness.store.run import RunStore, VerdictRow

ERROR = "error"


class Words:
    """The words of a run, suite by suite, and the samples that they stand for."""

    def __init__(self, axes: Mapping[str, Axes | None], labels: Mapping[str, Iterable[str]]) -> None:
        """`labels`: the suites' own labels, as stored verdicts have them."""
        self.quadrants = {suite: dict(_quadrants(one)) for suite, one in axes.items() if one}
        self.labels = {suite: {plain(label) for label in given} for suite, given in labels.items()}
        shown = [title for one in axes.values() if one for title in (*one.quadrants.values(), *_rates(one))]
        self.shown = tuple(dict.fromkeys([*shown, *(label for given in labels.values() for label in given), ERROR]))

    @classmethod
    def of(cls, plan: Plan, store: RunStore, axes: Mapping[str, Axes | None]) -> Words:
        labels: dict[str, dict[str, None]] = {}
        for cell in plan.cells:
            verdicts = (row.verdict for row in store.cell(cell.id).verdicts(cell.grade_key))
            given = [one.label for one in verdicts if isinstance(one, Outcome) and one.label]
            labels.setdefault(cell.suite.label, {}).update(dict.fromkeys(given))
        return cls(axes, labels)

    def refuse_unknown(self, word: str) -> None:
        """Raises UsageError for a word of no suite, with those that there are."""
        known = {ERROR, *(name for words in (*self.quadrants.values(), *self.labels.values()) for name in words)}
        if plain(word) not in known:
            raise UsageError(f"no sample is called {word!r} here", f"one of {', '.join(self.shown)}")

    def means(self, word: str, suite: str, row: VerdictRow) -> bool:
        """Whether the sample is called so."""
        if row.verdict is None:
            return plain(word) == ERROR and row.error is not None
        if not isinstance(row.verdict, Outcome):
            return False
        wanted = plain(word)
        so_labelled = row.verdict.label is not None and plain(row.verdict.label) == wanted
        return so_labelled or row.verdict.quadrant in self.quadrants.get(suite, {}).get(wanted, frozenset())


def _quadrants(axes: Axes) -> Iterator[tuple[str, frozenset[Quadrant]]]:
    """Word -> quadrants. A quadrant's own name goes before a rate's, which is of all that its numerator counts."""
    for rate in axes.rates:
        for name in (rate.short, rate.name, rate.title):
            if name:
                yield plain(name), rate.numerator
    for quadrant, title in axes.quadrants.items():
        yield plain(title), frozenset({quadrant})
        yield plain(quadrant.value), frozenset({quadrant})


def _rates(axes: Axes) -> list[str]:
    return [rate.short or rate.name for rate in axes.rates]
