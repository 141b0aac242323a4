"""Write docs/images/report.svg, the picture in the README: what a terminal of 80 columns shows first of a stored run.

harness run --compressor rtn4,rtn2,uniform2 --tasks goodhart7 --out RUN
python tools/report_picture.py RUN
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.report.build import build
from harness.report.collect import collect
from harness.report.table import Report
from harness.report.terminal import render_terminal
from harness.store.run import RunStore

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.svg"
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # rich's lie on a server


def picture(run: Path) -> str:
    store = RunStore(run)
    data = collect(store, load_catalogue(load_plugins()))
    console = Console(record=True, file=io.StringIO(), width=80, force_terminal=True)
    render_terminal(first(build(data)), console)
    command = re.sub(r" --out \S+", "", data.footer.command) if data.footer else ""
    drawn = console.export_svg(title=command, unique_id="report")
    return FONTS.sub("", drawn).replace("Fira Code, ", "")


def first(report: Report) -> Report:
    """The headline of the first suite, alone."""
    section = report.sections[0]
    headline = next(table for table in section.tables if table.key == "headline")
    return replace(report, sections=(replace(section, tables=(headline,), notes=()),))


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(Path(sys.argv[1])), encoding="utf-8")
