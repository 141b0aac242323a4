"""`harness new-plugin`: an installable package with one working plugin and a test of its contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.context import global_options


def new_plugin(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name to select it by: lowercase letters, digits, dashes.")],
    kind: Annotated[str, typer.Option(help="compressor, tasks, trainer or detector.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write (default: ./NAME).")] = None,
) -> None:
    from harness.cli.scaffold.write import KINDS, write_package

    folder = out or Path(name)
    taken = global_options(context).catalogue.presets.get(KINDS.get(kind, ""), {})
    for path in write_package(name, kind, folder, taken):
        print(path)
    print(f"\nNext:  cd {folder} && pip install -e . && pytest && harness plugins")
