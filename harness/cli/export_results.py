"""`harness export-results`: a run's results in formats that other tools read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.errors import plural

NAMED = 4  # files


class Form(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    LM_EVAL = "lm-eval"
    INSPECT = "inspect"
    MODEL_CARD = "model-card"


def export_results(
    context: typer.Context,
    run: o.RunFolder,
    format: Annotated[
        Form,
        typer.Option(help="parquet needs goodhart-harness[frames], inspect goodhart-harness[inspect]."),
    ] = Form.CSV,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write (default: RUN/export/FORMAT).")
    ] = None,
) -> None:
    """Tables hold one row a sample and one a cell; the other forms are what those tools write themselves."""
    from harness.report.exports import inspect_form, lm_eval_form, model_card, plain_files
    from harness.report.exports.run_rows import RunResults
    from harness.store.run import RunStore

    write = {
        Form.CSV: plain_files.write_csv,
        Form.PARQUET: plain_files.write_parquet,
        Form.JSONL: plain_files.write_jsonl,
        Form.LM_EVAL: lm_eval_form.write_lm_eval,
        Form.INSPECT: inspect_form.write_inspect,
        Form.MODEL_CARD: model_card.write_model_cards,
    }[format]
    folder = out or run / "export" / format
    paths = write(RunResults.of(RunStore(run), global_options(context).catalogue), folder)
    named = ", ".join(path.name for path in paths[:NAMED]) + (", …" if len(paths) > NAMED else "")
    print(f"{plural(len(paths), 'file')} in {folder}: {named}")
