"""The files of docs/how-to/plugins/*.md are run as they are printed there."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from harness.registry.plugins import load_plugins
from harness.testing import check_compressor, check_detector, check_suite, check_trainer
from harness.testing.spec import make

DOCS = Path(__file__).resolve().parents[2] / "docs"
FILES = {
    "tasks": "capitals.py",
    "compressor": "ternary.py",
    "detector": "hedging.py",
    "trainer": "imitate.py",
    "lifecycle": "count_cells.py",
}


@pytest.fixture
def my_plugins(tmp_path: Path) -> Path:
    """The pages' files, each under the name in its first line."""
    folder = tmp_path / "my_plugins"
    folder.mkdir()
    for page, name in FILES.items():
        text = (DOCS / "how-to" / "plugins" / f"{page}.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n# (\w+\.py)(?:, continued)?\n(.*?)```", text, re.DOTALL)
        assert {found for found, _ in blocks} == {name}
        (folder / name).write_text("\n\n".join(block for _, block in blocks), encoding="utf-8")
    return folder


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
    for name in FILES.values():
        sys.modules.pop(name.removesuffix(".py"), None)


def test_links_between_the_pages_lead_somewhere():
    for page in (DOCS / "how-to" / "plugins").glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"


COMMANDS = [
    (page.name, line.partition("  #")[0].strip())
    for page in sorted((DOCS / "how-to" / "plugins").glob("*.md"))
    for line in page.read_text(encoding="utf-8").splitlines()
    if line.startswith("    harness ")
]


def parse(command: str) -> None:
    """Verb and options exist and fit; nothing is run."""
    from typer.main import get_command

    from harness.cli import app

    words = shlex.split(command)[1:]
    if words[0] in ("--plugins-dir", "-p"):
        words = words[2:]
    get_command(app).loaded(words[0]).make_context(words[0], words[1:])


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_the_pages_commands_are_ones_that_the_command_line_takes(page, command):
    parse(command)


def test_a_command_with_an_option_that_does_not_exist_is_noticed():
    with pytest.raises(Exception, match="No such option"):
        parse("harness run --no-such-option")
