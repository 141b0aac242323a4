"""A run as an object: its tables, samples and rates, read from the run folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.api.frames import frame
from harness.api.plot import Plot
from harness.errors import UsageError, plural
from harness.planning.cells import Plan
from harness.registry.name_sources import NameSources
from harness.report.build import build
from harness.report.collect import collect, texts
from harness.report.data import ReportData
from harness.report.exports.rate_rows import By, rate_rows
from harness.report.exports.run_rows import RunResults, sample_rows
from harness.report.notebook import tables_html
from harness.report.page.write import write_page
from harness.report.table import Report, Table
from harness.report.transcripts import free_texts
from harness.report.two_runs import Side, beside
from harness.report.two_runs_tables import compared
from harness.store.run import RunStore

if TYPE_CHECKING:
    import pandas


class Run:
    """What a run folder held when it was read. `harness.run` and `harness.load_run` make one.

    In a notebook it shows itself as its tables of results.
    """

    def __init__(self, store: RunStore, names: NameSources, report: Report | None = None) -> None:
        self.store, self.names = store, names
        self.plan = Plan.of(store)
        if report is not None:
            self.__dict__["tables"] = report

    @property
    def folder(self) -> Path:
        return self.store.folder

    @cached_property
    def data(self) -> ReportData:
        """Everything that the report is built from."""
        return collect(self.store, self.names.catalogue)

    @cached_property
    def tables(self) -> Report:
        """All tables of the report, by section."""
        return build(self.data, plots=True, replies_of=partial(free_texts, self.store))

    @cached_property
    def _results(self) -> RunResults:
        return RunResults(self.store, self.plan, self.data)

    @property
    def states(self) -> dict[str, str]:
        """By cell id: "done", "failed", or "pending" where it was interrupted."""
        return {cell.id: self.store.cell(cell.id).state.state for cell in self.plan.cells}

    @property
    def complete(self) -> bool:
        """Whether every cell is done."""
        return set(self.states.values()) == {"done"}

    @property
    def suites(self) -> list[str]:
        return list(dict.fromkeys(cell.suite.label for cell in self.plan.cells))

    def table(self, key: str | None = None, suite: str | None = None) -> Table:
        """One table of the report: by its key, or the first that a reader sees.

        Raises:
            UsageError: several suites have that table and none is named, or none has it; the line says which there are.
        """
        found: dict[str, Table] = {}
        for section, table in self._all_tables():
            if key == table.key or (key is None and section in self.suites):
                found.setdefault(section, table)
        wanted = [section for section in found if suite in (None, section)]
        if len(wanted) == 1:
            return found[wanted[0]]
        if wanted:
            raise UsageError("several suites have such a table", f"suite= one of {', '.join(wanted)}")
        known = dict.fromkeys(table.key for section, table in self._all_tables() if suite in (None, section))
        raise UsageError(
            f"no table {key!r}" + (f" of {suite!r}" if suite else ""), f"one of {', '.join(known)}" if known else ""
        )

    def _all_tables(self) -> Iterator[tuple[str, Table]]:
        for section in self.tables.sections:
            for table in section.tables:
                yield section.key, table

    def samples(self) -> pandas.DataFrame:
        """One row a sample, as `harness export-results` writes it: cell, item, verdict, prompt and reply of each role.

        Raises:
            UsageError: pandas is not installed (the extra `frames`).
        """
        return frame(sample_rows(self._results))

    def rates(self, by: By | None = None) -> pandas.DataFrame:
        """One row a cell and measure, and family if asked: the report's counts, with the 95 % interval as `low`, `high`.

        Raises:
            UsageError: pandas is not installed (the extra `frames`), or `by` is something else.
        """
        if by not in (None, "family"):
            raise UsageError(f"rates by {by!r}", "by=None or by='family'; group samples() for anything else")
        return frame(rate_rows(self._results, by))

    def plot(self, suite: str | None = None) -> Plot:
        """The report's curves of a suite: its measures against bits per weight, or against the step of a training.

        Raises:
            UsageError: no suite has curves, or several have and none is named.
        """
        charts = {section.key: section.charts[0] for section in self.tables.sections if section.charts}
        wanted = [key for key in charts if suite in (None, key)]
        if not wanted:
            raise UsageError("no curves" + (f" of {suite!r}" if suite else ""), "nothing was compressed or trained")
        if len(wanted) > 1:
            raise UsageError("several suites have curves", f"suite= one of {', '.join(wanted)}")
        return Plot(charts[wanted[0]])

    def compare(self, other: Run, paired: bool = True) -> Report:
        """This run against an earlier one: the same arms in both, paired by item where both asked the same question.

        Raises:
            UsageError: no suite, no arm or no question is in both; `paired=False` compares other questions.
        """
        before, now = (Side(one.store, one.plan, one.data) for one in (other, self))
        return compared(beside(before, now, self.names.catalogue, paired))

    def report(self, path: str | Path) -> Path:
        """Write the report as one offline HTML page, samples included, and return its path. Above 10,000 samples their
        texts go into a folder beside it."""
        write_page(Path(path), self.tables, self.data, partial(texts, self.store))
        return Path(path)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self._described()})"

    def _described(self) -> str:
        states = list(self.states.values())
        told = [f"{states.count(state)} {state}" for state in ("failed", "pending") if state in states]
        return ", ".join([plural(len(states), "cell"), *told])

    def _repr_html_(self) -> str:
        sections = [section for section in self.tables.sections if section.key in self.suites and section.tables]
        head = f"{self.folder}: {self._described()}"
        return tables_html(head, [(section.title, section.tables[0]) for section in sections], self.tables.notes)
