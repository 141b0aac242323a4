"""A plan as an object: what a run would do, and how far its folder already is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import plural
from harness.planning.cells import Cell, Contrast, Plan
from harness.registry.name_sources import NameSources
from harness.report.notebook import tables_html
from harness.report.plan_table import plan_rows, plan_table
from harness.report.table import Table
from harness.store.run import RunStore


@dataclass(frozen=True)
class Planned:
    """What `harness.plan` found. In a notebook it shows itself as the table that `harness plan` prints."""

    plan: Plan
    store: RunStore
    names: NameSources

    @property
    def folder(self) -> Path:
        return self.store.folder

    @property
    def cells(self) -> tuple[Cell, ...]:
        return self.plan.cells

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        return self.plan.contrasts

    @property
    def notes(self) -> list[str]:
        return self.plan.notes

    def table(self) -> Table:
        """For each cell how far each stage is, its size, and what it asks."""
        return plan_table(plan_rows(self.plan, self.store, self.names.catalogue))

    def __repr__(self) -> str:
        return f"Planned({str(self.folder)!r}: {self._described})"

    @property
    def _described(self) -> str:
        return f"{plural(len(self.cells), 'cell')}, {plural(len(self.contrasts), 'contrast')}"

    def _repr_html_(self) -> str:
        return tables_html(f"{self.folder}: {self._described}", [("", self.table())], self.notes)
