"""Broken plugins are rows with a cause; only selecting what they own is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import PluginError, UsageError
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins

GOOD = """
import harness
from harness import CompressorSpec
@harness.hookimpl
def harness_register_compressors():
    return [CompressorSpec(name="mine", summary="s", target="t:T")]
"""
BROKEN = {
    "raises_at_import": "raise RuntimeError('no such luck')",
    "exits_at_import": "raise SystemExit(3)",
    "raises_in_hook": "import harness\n@harness.hookimpl\ndef harness_register_compressors(): raise ValueError('no luck')",
    "unknown_hook": "import harness\n@harness.hookimpl\ndef harness_register_compilers(): return []",
    "wrong_signature": "import harness\n@harness.hookimpl\ndef harness_register_compressors(a, b): return []",
    "returns_nonsense": "import harness\n@harness.hookimpl\ndef harness_register_compressors(): return ['rtn', 7]",
    "unmarked_hook": "def harness_register_compressors(): return []",
}
CAUSE = {
    "raises_at_import": "no such luck",
    "exits_at_import": "SystemExit",
    "raises_in_hook": "no luck",
    "unknown_hook": "harness_register_compilers",
    "wrong_signature": "harness_register_compressors",
    "returns_nonsense": "must return a list of CompressorSpec",
    "unmarked_hook": "lacks the decorator",
}


def load(tmp_path: Path, **sources: str):
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    return load_plugins([tmp_path])


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_has_its_cause_and_harms_nobody(tmp_path, kind):
    plugins = load(tmp_path, **{kind: BROKEN[kind], "good_one": GOOD})
    status = {status.name: status for status in plugins.statuses}
    assert status[kind].state == "broken"
    assert CAUSE[kind] in status[kind].error
    assert "\n" not in status[kind].error
    assert status["good_one"].hooks == ("harness_register_compressors",)
    assert set(plugins.specs["compressors"]) >= {"mine", "rtn"}


def test_selecting_an_unknown_name_names_the_broken_plugins(tmp_path):
    catalogue = load_catalogue(load(tmp_path, raises_at_import=BROKEN["raises_at_import"]))
    with pytest.raises(UsageError, match="no such luck"):
        catalogue.resolve("compressors", "theirs")


def test_two_plugins_with_one_name_are_an_error_that_names_both(tmp_path):
    catalogue = load_catalogue(load(tmp_path, first_plugin=GOOD, second_plugin=GOOD))
    with pytest.raises(PluginError, match=r"first_plugin.*second_plugin"):
        catalogue.resolve("compressors", "mine")
    assert catalogue.resolve("compressors", "rtn").plugin == "rtn"


def test_plugins_can_be_left_out(tmp_path, monkeypatch):
    (tmp_path / "good_one.py").write_text(GOOD)
    assert "mine" not in load_plugins([tmp_path], disabled=["good_one"]).specs["compressors"]
    monkeypatch.setenv("HARNESS_PLUGINS", "")
    assert load_plugins().statuses == []


def test_a_raising_lifecycle_hook_is_counted_and_the_others_run(tmp_path):
    raising = "import harness\n@harness.hookimpl\ndef harness_report_sections(run): raise KeyError('oops')"
    working = "import harness\n@harness.hookimpl\ndef harness_report_sections(run): return [('t', 'm')]"
    plugins = load(tmp_path, raising_hook=raising, working_hook=working)
    found = dict(plugins.call_each("harness_report_sections", run=tmp_path, plan=None))
    assert found == {"working_hook": [("t", "m")]}
    assert plugins.hook_errors == ["raising_hook.harness_report_sections: KeyError: 'oops'"]


def test_the_cli_goes_on_and_says_so_in_a_line(cli):
    (cli.cwd / "p").mkdir()
    (cli.cwd / "p" / "raises_at_import.py").write_text(BROKEN["raises_at_import"])
    done = cli("plugins", "--json", plugins=cli.cwd / "p")
    assert done.stderr.count("\n") == 1
    states = {row["name"]: row["state"] for row in json.loads(done.stdout)}
    assert states == {"builtin": "ok", "tensorboard": "ok", "raises_at_import": "broken"}


def test_a_missing_dependency_is_refused_with_what_to_install(tmp_path):
    source = GOOD.replace('target="t:T"', 'target="t:T", requires=("no_such_package",), extra="mine"')
    catalogue = load_catalogue(load(tmp_path, needy=source))
    with pytest.raises(PluginError, match=r"pip install 'goodhart-harness\[mine\]'"):
        catalogue.resolve("compressors", "mine")
