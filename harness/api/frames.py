"""Rows as a pandas frame, where pandas is installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.report.exports.run_rows import RowDict

if TYPE_CHECKING:
    import pandas


def frame(rows: Iterable[RowDict]) -> pandas.DataFrame:
    """A column a key, in order of first appearance; rows without it have a missing value there."""
    try:
        import pandas
    except ImportError:
        raise UsageError("pandas is not installed", "pip install 'goodhart-harness[frames]'") from None
    return pandas.DataFrame(list(rows))
