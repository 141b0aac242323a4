"""The documentation builds as a site, strictly: no broken link or anchor, no page that nothing leads to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra: docs)")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "explanation" / "knowing" / "index.html").is_file()


def test_every_measured_page_is_listed() -> None:
    listed = (ROOT / "docs" / "results" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs" / "results").glob("*.md")} - {"index.md"}
    assert {name for name in pages if f"({name})" not in listed} == set()
