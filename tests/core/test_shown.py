"""Escapes in what models, files and plugins wrote reach no terminal."""

from __future__ import annotations

import io
import json
import re

import pytest

from harness.cli.output import ShownOutput
from harness.errors import shown
from harness.report.markdown import render_markdown
from harness.report.page.render import render_html
from harness.report.table import Report
from harness.screen.console import ShownConsole, ShownTable

HOSTILE = "a\x1b]0;title\x07b\x1b[2Jc\rd\x08e\x7ff\x9bg\u202eh\u2066i\x00j\ud800k"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_shown_is_read_back_by_json():
    assert not RAW.search(shown(HOSTILE))
    assert shown(HOSTILE).startswith("a\\u001b]0;title\\u0007b")
    assert shown("plain\n\ttext, ß, 漢字, 🙂, e\u0301") == "plain\n\ttext, ß, 漢字, 🙂, e\u0301"
    assert json.loads(shown(json.dumps({"x": "\x7f\u202e"}, ensure_ascii=False))) == {"x": "\x7f\u202e"}


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_prints_and_consoles_escape_it(stream):
    out = stream()
    print(HOSTILE, file=ShownOutput(out))
    assert not RAW.search(out.getvalue())
    console = ShownConsole(file=(out := io.StringIO()), width=200)
    console.print(HOSTILE, markup=False)
    table = ShownTable("what", HOSTILE)
    table.add_row("x", HOSTILE)
    console.print(table)
    console.rule(HOSTILE)
    assert not RAW.search(out.getvalue())
    assert out.getvalue().count("\\u001b]0;title") == 4
    assert "\\u0007" in out.getvalue()


def test_a_console_keeps_its_own_colours():
    out = Terminal()
    ShownConsole(file=out, force_terminal=True, color_system="standard", width=80).print("a\x1b[2Jb", style="red")
    assert "\x1b[31m" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
    print("\x1b[1mbold\x1b[0m", file=ShownOutput(out))
    assert "\x1b[1mbold\x1b[0m" in out.getvalue()


def test_reports_escape_it():
    report = Report(title=HOSTILE, notes=(HOSTILE,), sections=())
    for text in (render_markdown(report), render_html(report)):
        assert not RAW.search(text)


def test_verbs_escape_it(cli):
    folder = cli.cwd / "p"
    folder.mkdir()
    (folder / "odd.py").write_text(
        "import harness\nfrom harness import CompressorSpec\n@harness.hookimpl\ndef harness_register_compressors():\n"
        "    return [CompressorSpec(name='odd', summary='s\\x1b[2Jum\\x07', target='odd:x\\x1b[2J')]\n"
    )
    (folder / "raises.py").write_text("raise ValueError('a\\x1b[2Jb\\x07')\n")
    for command in (["plugins"], ["list", "compressors"], ["plugins", "--trace"], ["plugins", "--json"]):
        done = cli(*command, plugins=folder)
        assert not RAW.search(done.stdout + done.stderr), command
    json.loads(done.stdout)
    done = cli("plan", "--tasks", "goodhart7", "--compressor", "no\x1b[2Jne", plugins=folder, code=2)
    assert not RAW.search(done.stdout + done.stderr)
