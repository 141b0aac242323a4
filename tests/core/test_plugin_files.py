"""Plugins that are files: named like a library, loud, badly registered, or after a name that is taken."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest

from harness.contract import Flag, Item, Params, TaskSuite, View
from harness.errors import StageError, UsageError
from harness.planning.questions import selected_items
from harness.registry.catalogue import load_catalogue
from harness.registry.conflicts import conflicts
from harness.registry.plugins import load_plugins
from harness.running.stages.detect import check_flags

FILE = """
import harness
from harness import Compressor, CompressorSpec
class Mine(Compressor):
    pass
@harness.hookimpl
def harness_register_compressors():
    return [CompressorSpec(name="{name}", summary="s", target="{module}:Mine")]
"""
REGISTRY = """
from pathlib import Path
import harness
@harness.hookimpl
def harness_registry_files():
    return [Path(__file__).with_name("{file}")]
"""


@pytest.mark.parametrize("module", ["random", "torch", "json", "harness", "my-own", "a.b"])
def test_a_file_named_like_a_library_works_and_shadows_nothing(tmp_path, module):
    (tmp_path / f"{module}.py").write_text(FILE.format(name="mine", module=module))
    before = {name: sys.modules.get(name) for name in ("random", "torch", "json", "harness")}
    catalogue = load_catalogue(load_plugins([tmp_path]))
    assert {name: sys.modules.get(name) for name in before} == before
    component = catalogue.resolve("compressors", "mine")
    assert type(catalogue.build(component)).__name__ == "Mine"
    assert random.random() < 1
    stale = component.model_copy(update={"target": f"{module}:Mine"})  # as a former version stored it
    assert type(catalogue.build(stale)).__name__ == "Mine"


def test_another_process_plans_with_such_a_file_and_the_built_in_suites(cli):
    (cli.cwd / "p").mkdir()
    (cli.cwd / "p" / "random.py").write_text(FILE.format(name="mine", module="random"))
    done = cli("plan", "--compressor", "rtn4", "--tasks", "goodhart7", "--limit", "1", plugins=cli.cwd / "p")
    assert "2 cells" in done.stdout


def test_the_digest_of_a_files_code_is_that_of_its_content(tmp_path):
    def digest(folder, body):
        folder.mkdir()
        (folder / "mine.py").write_text(FILE.format(name="mine", module="mine") + body)
        code = (
            "import sys, pathlib; from harness.registry.catalogue import load_catalogue\n"
            "from harness.registry.plugins import load_plugins\n"
            "print(load_catalogue(load_plugins([pathlib.Path(sys.argv[1])])).resolve('compressors', 'mine').source)"
        )
        return subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True).stdout

    first = digest(tmp_path / "a", "")
    assert len(first) == 65
    assert digest(tmp_path / "b", "# a comment\n") == first
    assert digest(tmp_path / "c", "VALUE = 1\n") != first


def test_a_broken_registry_file_breaks_its_plugin_alone(cli):
    folder = cli.cwd / "p"
    folder.mkdir()
    bad = {
        "syntax": "[compressors",
        "plain": "compressors = 3",
        "flat": "[compressors]\nx = 1",
        "deep": "a = " + "[" * 20000,
        "noplugin": "[compressors.x]\nbits = 3",
        "missing": None,
    }
    for name, text in bad.items():
        (folder / f"{name}.py").write_text(REGISTRY.format(file=f"{name}.toml"))
        if text is not None:
            (folder / f"{name}.toml").write_text(text)
    (folder / "bytes.py").write_text(REGISTRY.format(file="bytes.toml"))
    (folder / "bytes.toml").write_bytes(b"\xff\xfe")
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json", plugins=folder).stdout)}
    for name in (*bad, "bytes"):
        assert rows[name]["state"] == "broken"
        assert f"{name}.toml" in rows[name]["error"]
    assert rows["builtin"]["state"] == "ok"
    assert "uniform" in cli("list", "compressors", plugins=folder).stdout


@pytest.mark.parametrize("base", ["SystemExit", "GeneratorExit", "BaseException"])
def test_a_module_that_will_not_be_imported_is_a_row(tmp_path, base):
    """As test libraries skip a module: by what is no Exception."""
    (tmp_path / "skips.py").write_text(f"class Skipped({base}): pass\nraise Skipped('not here')")
    status = next(it for it in load_plugins([tmp_path]).statuses if it.name == "skips")
    assert status.error == "Skipped: not here"


@pytest.mark.parametrize("words", ["raise ValueError", "return 5", "return self.nothing"])
def test_what_a_module_raises_may_not_even_be_shown(tmp_path, words):
    (tmp_path / "odd.py").write_text(f"class Odd(Exception):\n    def __str__(self): {words}\nraise Odd")
    status = next(it for it in load_plugins([tmp_path]).statuses if it.name == "odd")
    assert status.error == "Odd: it cannot be shown"


@pytest.mark.parametrize("kind", ["fifo", "device", "huge", "folder"])
def test_what_is_no_file_of_code_is_a_row(tmp_path, kind):
    path = tmp_path / "odd.py"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "huge":
            path.touch()
            os.truncate(path, 3 << 30)
        case "folder":
            path.mkdir()
    status = next(it for it in load_plugins([tmp_path]).statuses if it.name == "odd")
    assert "not a regular file" in status.error or "more than 16 MiB" in status.error


def test_a_plugin_that_closes_stdout_closes_its_own(cli):
    folder = cli.cwd / "p"
    folder.mkdir()
    (folder / "closes.py").write_text("import sys; sys.stdout.close()\n" + FILE.format(name="mine", module="closes"))
    rows = json.loads(cli("plugins", "--json", plugins=folder).stdout)
    assert next(row for row in rows if row["name"] == "closes")["state"] == "ok"


def test_noise_at_import_in_hooks_and_at_exit_stays_out_of_stdout(cli):
    (cli.cwd / "p").mkdir()
    loud = "import os, subprocess, sys\nprint('hello')\nos.write(1, b'raw\\n')\nsubprocess.run(['echo', 'child'])\n"
    loud += "import atexit\natexit.register(print, 'goodbye')\n"
    hook = FILE.format(name="mine", module="loud").replace("    return [", "    print('hook')\n    return [")
    (cli.cwd / "p" / "loud.py").write_text(loud + hook)
    done = cli("plugins", "--json", plugins=cli.cwd / "p")
    assert {row["name"] for row in json.loads(done.stdout)} >= {"builtin", "loud"}
    assert set(done.stderr.split()) >= {"hello", "raw", "child", "hook", "goodbye"}


def test_who_loses_a_name_is_listed(tmp_path):
    (tmp_path / "loser.py").write_text(FILE.format(name="rtn4", module="loser"))  # the name of a built-in preset
    (tmp_path / "one.py").write_text(FILE.format(name="none", module="one"))
    twice = FILE.format(name="x", module="two").replace("return [", "return 2 * [")
    (tmp_path / "two.py").write_text(twice)
    for name in ("m1", "m2"):
        (tmp_path / f"{name}.py").write_text(REGISTRY.format(file=f"{name}.toml"))
        (tmp_path / f"{name}.toml").write_text('[models.pocket]\npath = "."\n[compressors.same]\nplugin = "rtn"\n')
    plugins = load_plugins([tmp_path])
    errors = {status.name: status.error for status in plugins.broken}
    assert errors["one"].endswith("the name 'none' among compressors is the core's own")
    assert errors["two"].endswith("the name 'x' is registered twice among compressors")
    found = [str(conflict) for conflict in conflicts(plugins)]
    assert "'rtn4' is registered by loser and builtin, and selects the latter's preset for rtn" in found
    assert "'pocket' is registered by builtin and m1 and m2 as a model, and is that of m2" in found
    assert "'same' is registered by m1 and m2 as a preset, and cannot be selected" in found


@pytest.mark.parametrize("name", ["", " ", "a,b", "a@b", "a/b", "a:b", "a b", "-a", "\x1b[31ma", "x" * 65])
def test_a_name_that_nobody_can_type_is_refused(tmp_path, name):
    (tmp_path / "odd.py").write_text(FILE.format(name=name, module="odd"))
    found = load_plugins([tmp_path])
    assert "is not 1 to 64 letters" in next(it for it in found.statuses if it.name == "odd").error
    (tmp_path / "registry.toml").write_text(f'[compressors.{json.dumps(name)}]\nplugin = "caldera"\n')
    with pytest.raises(UsageError, match="is not 1 to 64 letters"):
        load_catalogue(found, [tmp_path / "registry.toml"])


def test_two_items_of_one_id_are_refused():
    class Twice(TaskSuite):
        def items(self):
            return [Item(id=name, family="f", cluster="c") for name in ("a", "b", "a")]

    with pytest.raises(UsageError, match="the first is 'a'"):
        selected_items(Twice(Params()), None)


@pytest.mark.parametrize("score", [7.5, -0.1, float("nan"), float("inf")])
def test_a_detectors_score_is_a_share(score):
    view = View(item="i", family="f", prompts={}, replies={})
    check_flags("mine", [view], [Flag(score=1.0)])
    with pytest.raises(StageError, match=r"detector mine gives i the score .* \(a score is between 0 and 1\)"):
        check_flags("mine", [view], [Flag(score=score)])
