"""A plugin that works through a library is another plugin under another release of it."""

from __future__ import annotations

from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins

PLUGIN = """
import harness
from harness import CompressorSpec
@harness.hookimpl
def harness_register_compressors():
    return [CompressorSpec(name="leaning", summary="s", target="leaning:T", requires=("lib_leant_on", "yaml"))]
"""


def test_the_version_of_what_a_plugin_requires_is_part_of_its_key(tmp_path, monkeypatch):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "leaning.py").write_text(PLUGIN)
    (tmp_path / "lib_leant_on.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {}
    for version in ("1.0", "1.1"):
        info = tmp_path / "lib_leant_on.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: lib-leant-on\nVersion: {version}\n")
        catalogue = load_catalogue(load_plugins([tmp_path / "plugins"]))
        found[version] = catalogue.resolve("compressors", "leaning")
    assert [component.libraries["lib_leant_on"] for component in found.values()] == ["1.0", "1.1"]
    assert found["1.0"].libraries["yaml"].startswith("PyYAML ")  # imported under another name than it is installed
    assert found["1.0"].identity != found["1.1"].identity
    assert "libraries" not in catalogue.resolve("compressors", "rtn").identity
