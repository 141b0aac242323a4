"""The generated pages of docs/reference are what the command line, the registry and the source say today."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def reference(tool: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(tool), *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("page", ["cli", "registry", "python"])
def test_it_is_current(page):
    done = reference(ROOT / "tools" / f"{page}_reference.py", "--check")
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed_and_mended(tmp_path):
    """The tools write beside themselves: copies of them have a page of their own."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    tool, page = tmp_path / "tools" / "cli_reference.py", tmp_path / "docs" / "reference" / "cli.md"
    page.write_text((ROOT / "docs" / "reference" / "cli.md").read_text().replace("## doctor", "## dentist"))
    done = reference(tool, "--check")
    assert (done.returncode, done.stderr) == (1, "cli.md is stale: run python tools/cli_reference.py\n")
    reference(tool)
    assert reference(tool, "--check").returncode == 0
    assert "## new-plugin" in page.read_text()
