"""A model that changes under a run is an error, never a mixture of two models."""

from __future__ import annotations

import shutil

import pytest

from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.errors import ModelError
from harness.registry.catalogue import load_catalogue
from harness.registry.component import build
from harness.registry.plugins import load_plugins


def test_a_source_that_changes_while_it_is_compressed_gives_no_artefact(tiny_qwen2, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    shutil.copytree(tiny_qwen2, source)
    catalogue = load_catalogue(load_plugins())
    component = catalogue.resolve("compressors", "rtn4")
    compressor = build(component, catalogue.spec("compressors", component.plugin)[0])

    def meddle(stage: str, done: int, total: int) -> None:
        if done == 1:
            config = source / "config.json"
            config.write_text(config.read_text() + "\n")

    with pytest.raises(ModelError, match="changed while it was compressed"):
        compress(source, compressor, CalibrationSource(), out, progress=meddle)
    assert not (out / "COMPLETE.json").exists()
