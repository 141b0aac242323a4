"""The files of docs/plugins.md are run as they are printed there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"


def test_the_pages_plugins_run_together(cli):
    folder = cli.cwd / "my_plugins"
    folder.mkdir()
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["capitals.py", "ternary.py", "hedging.py", "count_cells.py"]
    for name, source in blocks:
        (folder / name).write_text(source, encoding="utf-8")
    command = ["run", "--tasks", "capitals", "--compressor", "ternary", "--detectors", "hedging", "--out", "r"]
    done = cli(*command, "--model", str(cli.model), plugins=folder)
    assert "overclaims" in done.stdout
    assert "This run has 2 cells." in done.stdout
    assert "hedging" in done.stdout
    assert len((cli.cwd / "r" / "cells.log").read_text().splitlines()) == 2
    assert {len(rows) for rows in cli.rows("verdicts-*.jsonl").values()} == {3}
