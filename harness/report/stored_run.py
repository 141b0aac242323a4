"""A run as it is stored: its plan, and what its report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from harness.planning.cells import Plan
from harness.registry.catalogue import Catalogue
from harness.report.collect import collect
from harness.report.data import ReportData
from harness.store.run import RunStore


@dataclass(frozen=True)
class StoredRun:
    store: RunStore
    plan: Plan
    data: ReportData

    @classmethod
    def of(cls, store: RunStore, catalogue: Catalogue) -> Self:
        return cls(store, Plan.of(store), collect(store, catalogue))
