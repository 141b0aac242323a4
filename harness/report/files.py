"""A run's report as files: report.md, report.html, results.json and the plots, below the run folder's `report/`."""

from __future__ import annotations

from functools import partial

from harness.registry.catalogue import Catalogue
from harness.report.build import build
from harness.report.collect import texts
from harness.report.curves.svg import chart_file
from harness.report.frozen import freeze
from harness.report.markdown import render_markdown
from harness.report.page.write import write_page
from harness.report.results import to_json
from harness.report.stored_run import StoredRun
from harness.report.table import Report
from harness.report.transcripts import free_texts
from harness.store.files import write_bytes, write_json, write_text
from harness.store.run import RunStore

FOLDER = "report"


def write_report(store: RunStore, catalogue: Catalogue, frozen_in: RunStore | None = None) -> Report:
    """Build the report from what is stored and write all its files; one that an interruption left is written anew.

    `frozen_in`: the run whose arms set the detectors' thresholds."""
    run = StoredRun.of(store, catalogue)
    data = run.data
    if frozen_in is not None:
        data = data.model_copy(update={"frozen": freeze(StoredRun.of(frozen_in, catalogue), run)})
    made = build(data, plots=True, replies_of=partial(free_texts, store))
    folder = store.folder / FOLDER
    write_text(folder / "report.md", render_markdown(made))
    write_page(folder / "report.html", made, data, partial(texts, store))
    write_json(folder / "results.json", to_json(made))
    for chart in made.charts:
        write_text(folder / f"{chart.name}.svg", chart_file(chart))
    for picture in made.pictures:
        write_text(folder / f"{picture.name}.svg", picture.svg)
        write_bytes(folder / f"{picture.name}.png", picture.png)
    return made
