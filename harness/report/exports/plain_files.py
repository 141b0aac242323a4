"""CSV, JSON lines and Parquet: samples.* and cells.*."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import PluginError, shown
from harness.report.exports.run_rows import RowDict, RunResults, cell_rows, sample_rows
from harness.store.files import make_folder, write_text


def write_csv(run: RunResults, out: Path) -> list[Path]:
    """Every column of any row; a list is written as JSON, nothing as an empty field."""
    return [_csv(list(rows), out / f"{name}.csv") for name, rows in _both(run)]


def write_jsonl(run: RunResults, out: Path) -> list[Path]:
    paths = []
    for name, rows in _both(run):
        path = out / f"{name}.jsonl"
        write_text(path, "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows))
        paths.append(path)
    return paths


def write_parquet(run: RunResults, out: Path) -> list[Path]:
    """Raises PluginError where pyarrow is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise PluginError("Parquet needs pyarrow, which is not installed", "pip install 'goodhart-harness[frames]'")
    import pyarrow
    import pyarrow.parquet

    make_folder(out)
    paths = []
    for name, rows in _both(run):
        path = out / f"{name}.parquet"
        found = list(rows)
        columns = columns_of(found)
        table = pyarrow.table({column: [_clean(row.get(column)) for row in found] for column in columns})
        pyarrow.parquet.write_table(table, path)
        paths.append(path)
    return paths


def columns_of(rows: Sequence[RowDict]) -> list[str]:
    """In order of first appearance."""
    return list(dict.fromkeys(column for row in rows for column in row))


def _both(run: RunResults) -> tuple[tuple[str, Any], ...]:
    return ("samples", sample_rows(run)), ("cells", cell_rows(run))


def _csv(rows: list[RowDict], path: Path) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _clean(value) for name, value in row.items()} for row in rows)
    write_text(path, text.getvalue())
    return path


def _clean(value: Any) -> Any:
    """Texts of models may hold lone surrogates and control characters, which neither format can."""
    return shown(value) if isinstance(value, str) else value
