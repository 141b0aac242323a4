"""A suite's curves as a picture that a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.report.curves.data import Chart
from harness.report.curves.svg import chart_file
from harness.store.files import write_text


@dataclass(frozen=True)
class Plot:
    """One chart of the report: a suite's measures against size, or against the step of a training."""

    chart: Chart

    @property
    def alt(self) -> str:
        """What it shows, in words."""
        return self.chart.alt

    def save(self, path: str | Path) -> Path:
        """Write it as an SVG file that needs no page."""
        write_text(Path(path), self._repr_svg_())
        return Path(path)

    def __repr__(self) -> str:
        return f"Plot({self.alt!r})"

    def _repr_svg_(self) -> str:
        return chart_file(self.chart)
