"""The files of docs/how-to/plugins/*.md are run as they are printed there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from documented import PLUGIN_PAGES, write_plugins

from harness.registry.plugins import load_plugins
from harness.testing import check_compressor, check_detector, check_suite, check_trainer
from harness.testing.spec import make

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def my_plugins(tmp_path: Path) -> Path:
    return write_plugins(tmp_path / "my_plugins")


def test_the_pages_plugins_run_together(cli, my_plugins):
    command = ["run", "--tasks", "capitals", "--compressor", "ternary", "--detectors", "hedging", "--out", "r"]
    done = cli(*command, "--model", str(cli.model), plugins=my_plugins)
    assert "overclaims" in done.stdout
    assert "This run has 2 cells." in done.stdout
    assert "hedging" in done.stdout
    assert len((cli.cwd / "r" / "cells.log").read_text().splitlines()) == 2
    assert {len(rows) for rows in cli.rows("verdicts-*.jsonl").values()} == {3}


def test_the_pages_plugins_keep_their_contracts(my_plugins, tiny_qwen2, monkeypatch):
    monkeypatch.syspath_prepend(str(my_plugins))
    specs = load_plugins([my_plugins]).specs
    capitals = specs["tasks"]["capitals"][0][0]
    check_suite(capitals)
    taught = capitals.model_copy(update={"target": "capitals:TaughtCapitals"})
    check_suite(taught)
    check_compressor(specs["compressors"]["ternary"][0][0], tiny_qwen2)
    check_detector(specs["detectors"]["hedging"][0][0])
    for suite in (None, make(taught, {})):
        check_trainer(specs["trainers"]["imitate"][0][0], tiny_qwen2, {"steps": 2}, suite)
    for name in PLUGIN_PAGES.values():
        sys.modules.pop(name.removesuffix(".py"), None)


def test_links_between_the_pages_lead_somewhere():
    for page in (DOCS / "how-to" / "plugins").glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
