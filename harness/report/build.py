"""`build(data)`: from samples to tables. Everything printed later is computed here."""

from __future__ import annotations

from harness.report.analysis import Block, analyse
from harness.report.axes_tables import axes_tables
from harness.report.data import ReportData
from harness.report.table import Report, Section


def build(data: ReportData) -> Report:
    """All sections of the report, in reading order."""
    sections = [block_section(block) for block in analyse(data)]
    sections += [Section(f"extra:{extra.title}", extra.title, markdown=extra.markdown) for extra in data.extra]
    notes = data.footer.notes if data.footer else ()
    return Report(data.title, tuple(sections), notes)


def block_section(block: Block) -> Section:
    tables = axes_tables(block, block.axes) if block.axes else ()
    return Section(block.key, block.title, tuple(tables))
