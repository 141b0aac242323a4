"""The report as JSON (`results.json`): the numbers behind every printed cell."""

from __future__ import annotations

from typing import Any

from harness.report.table import SCHEMA, Report, Table


def to_json(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "title": report.title,
        "notes": list(report.notes),
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "notes": list(section.notes),
                "markdown": section.markdown,
                "pictures": [f"{plot.name}.svg" for plot in section.plots],
                "tables": [table_json(table) for table in section.tables],
            }
            for section in report.sections
        ],
    }


def table_json(table: Table) -> dict[str, Any]:
    keys = [column.key for column in table.columns]
    return {
        "key": table.key,
        "title": table.title,
        "columns": {column.key: column.title for column in table.columns},
        "rows": [dict(zip(keys, (cell.value for cell in row), strict=True)) for row in table.rows],
        "notes": list(table.notes),
    }
