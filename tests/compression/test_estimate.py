"""The dry run of one block, and what is concluded from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtn_compressors import RTN, CalibratedRTN, RTNParams

from harness.checkpoints.checkpoint import open_checkpoint, stored_bytes
from harness.checkpoints.digest import model_digest
from harness.checkpoints.shape import read_shape
from harness.compression import estimate as estimating
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.dry_run import write_truncated_model
from harness.compression.estimate import artefact_bytes, estimate
from harness.contract import ModelShape
from harness.errors import ModelError, UsageError

WANTED = CalibrationSource(sequences=24, length=64)


class Measuring(CalibratedRTN):
    measures = True

    def limit(self, shape: ModelShape) -> int:
        return 4 * shape.weights

    def measure(self, source: Path, *_: object) -> None:
        return None


def test_the_dry_run_measures_a_block_and_leaves_nothing(
    stories260k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    before = model_digest(stories260k)
    expected = estimate(stories260k, CalibratedRTN(RTNParams(bits=3, rank=2)), WANTED)
    assert [one.name for one in tmp_path.iterdir()] == ["cache"]
    assert model_digest(stories260k) == before
    assert expected.blocks == 5
    assert expected.block_seconds > 0
    assert 4 * expected.block_seconds < expected.seconds  # five blocks, and more tokens than the dry run passed through
    assert 50e6 < expected.memory < 4e9  # an interpreter with torch, and next to nothing
    assert "hours (one of 5 blocks took" in expected.described
    assert expected.sampling_seconds > 0  # the model is to write its own calibration text
    monkeypatch.setattr(estimating, "run_apart", None)  # what a block of this shape takes here is known now
    known = estimate(stories260k, CalibratedRTN(RTNParams(bits=3, rank=2)), WANTED)
    assert (known.block_seconds, known.memory) == (expected.block_seconds, expected.memory)


@pytest.mark.parametrize("name", ["stories260k", "gpt2-tarot"])
def test_the_artefact_is_no_larger_than_said(shared_data: Path, tmp_path: Path, name: str) -> None:
    compressor = RTN(RTNParams(bits=3, rank=2))
    compress(shared_data / name, compressor, WANTED, tmp_path / "a")
    said = artefact_bytes(read_shape(shared_data / name), compressor)
    assert stored_bytes(tmp_path / "a") < said < 1.3 * stored_bytes(tmp_path / "a")


def test_a_cut_is_a_model_of_two_blocks(shared_data: Path, tmp_path: Path) -> None:
    source = open_checkpoint(shared_data / "gpt2-tarot")
    assert write_truncated_model(source, tmp_path / "cut") == 256
    shape = read_shape(tmp_path / "cut")
    assert (shape.blocks, shape.linears) == (2, read_shape(source.folder).linears[:8])
    assert open_checkpoint(tmp_path / "cut").tensors["transformer.wte.weight"].shape == (256, 128)
    assert open_checkpoint(tmp_path / "cut").tensors["transformer.wpe.weight"].shape == (64, 128)  # positions stay


def test_what_a_measurement_keeps_of_every_block_needs_room(tiny_qwen2: Path) -> None:
    long = WANTED.model_copy(update={"sequences": 64, "length": 512})
    assert estimate(tiny_qwen2, Measuring(RTNParams()), long).disk == 4 * 64 * 512 * 32 * 3


def test_what_compressing_would_refuse_is_refused(stories260k: Path) -> None:
    with pytest.raises(ModelError, match=r"calibration holds 64 tokens, but .* has 172 columns"):
        estimate(stories260k, CalibratedRTN(RTNParams()), WANTED.model_copy(update={"sequences": 1}))


def test_a_library_that_takes_the_whole_model_is_not_estimated(stories260k: Path) -> None:
    class Whole(RTN):
        whole_model = True

    with pytest.raises(UsageError, match="Whole takes the whole model"):
        estimate(stories260k, Whole(RTNParams()), WANTED)
