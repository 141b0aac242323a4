"""`harness lm-eval-path`: the folder to give the stock lm_eval command as --include_path."""

from __future__ import annotations

import typer

from harness.cli.context import global_options


def path(context: typer.Context) -> None:
    from harness.lm_eval.task_folder import task_folder

    print(task_folder(global_options(context).catalogue))
