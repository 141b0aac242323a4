"""Compressing a model whose shards are fetched one by one and dropped: the same artefact from two shards of disk."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest
from rtn_compressors import RTN, CalibratedRTN, RTNParams
from test_foreign import Int8
from transformers import AutoModelForCausalLM

from harness.checkpoints.digest import model_digest
from harness.checkpoints.manifest import read_manifest
from harness.checkpoints.shape import read_shape
from harness.checkpoints.shards import FolderRemote, remote_model, streamed_folder
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.estimate import artefact_bytes, estimate
from harness.contract import Params
from harness.errors import ModelError, UsageError

PARAMS = RTNParams(bits=3, rank=1)


@pytest.fixture(scope="module")
def sharded(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remote") / "model"
    AutoModelForCausalLM.from_pretrained(tiny_qwen2).save_pretrained(folder, max_shard_size="100KB")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(tiny_qwen2 / name, folder / name)
    return folder


@pytest.fixture
def text(tmp_path: Path) -> CalibrationSource:
    path = tmp_path / "text.txt"
    path.write_text("First take the discount off the price. " * 60)
    return CalibrationSource(source=str(path), length=64)


@pytest.fixture
def streamed(sharded: Path, tmp_path: Path) -> Path:
    return streamed_folder(FolderRemote(sharded), tmp_path / "streamed")


def shards_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_planning_needs_no_shard(sharded: Path, streamed: Path) -> None:
    assert len(shards_in(sharded)) > 4
    assert read_shape(streamed) == read_shape(sharded)
    assert model_digest(streamed) == model_digest(sharded)
    assert not shards_in(streamed)


def test_the_artefact_is_the_same_and_two_shards_are_enough(
    sharded: Path, streamed: Path, text: CalibrationSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    most, fetch = 0, FolderRemote.fetch

    def counting(self: FolderRemote, name: str, folder: Path) -> None:
        nonlocal most
        fetch(self, name, folder)
        fetched.append(name)
        most = max(most, len(shards_in(streamed)))

    monkeypatch.setattr(FolderRemote, "fetch", counting)
    compress(sharded, CalibratedRTN(PARAMS), text, tmp_path / "a")
    compress(streamed, CalibratedRTN(PARAMS), text, tmp_path / "b")
    assert read_manifest(tmp_path / "a").tensors == read_manifest(tmp_path / "b").tensors
    assert read_manifest(tmp_path / "a").source == read_manifest(tmp_path / "b").source
    assert most == 2
    assert set(fetched) == {file.name for file in shards_in(sharded)}
    assert len(fetched) <= 2 * len(shards_in(sharded))  # a block that spans three of these tiny ones costs one again
    assert not shards_in(streamed)


def test_a_fetch_that_fails_is_named_and_the_run_resumes(
    streamed: Path, text: CalibrationSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, calls = FolderRemote.fetch, []

    def failing(self: FolderRemote, name: str, folder: Path) -> None:
        calls.append(name)
        if len(calls) == 5:
            (folder / name).write_bytes(b"half of i")
            raise OSError("connection reset")
        fetch(self, name, folder)

    monkeypatch.setattr(FolderRemote, "fetch", failing)
    with pytest.raises(ModelError, match=r"cannot be fetched: connection reset \(run the command again\)"):
        compress(streamed, CalibratedRTN(PARAMS), text, tmp_path / "a")
    assert compress(streamed, CalibratedRTN(PARAMS), text, tmp_path / "a").resumed > 0


def test_a_shard_that_changed_is_refused(sharded: Path, tmp_path: Path, text: CalibrationSource) -> None:
    remote = Path(shutil.copytree(sharded, tmp_path / "remote"))
    streamed = streamed_folder(FolderRemote(remote), tmp_path / "streamed")
    known = remote_model(streamed)
    assert known is not None
    for name in known.shards:
        raw = bytearray((remote / name).read_bytes())
        raw[-1] ^= 1
        (remote / name).write_bytes(raw)
    with pytest.raises(ModelError, match=r"safetensors of folder:.* is not what it was"):
        compress(streamed, RTN(PARAMS), text, tmp_path / "a")


def test_what_needs_the_whole_model_is_refused(streamed: Path, text: CalibrationSource, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs all its shards at once"):
        compress(streamed, CalibratedRTN(PARAMS), CalibrationSource(), tmp_path / "a")
    with pytest.raises(ModelError, match="Int8 needs the whole model on the disk"):
        compress(streamed, Int8(Params()), text, tmp_path / "b")


def test_a_second_process_is_refused(streamed: Path, text: CalibrationSource, tmp_path: Path) -> None:
    with (streamed / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another process is reading the shards"):
            compress(streamed, RTN(PARAMS), text, tmp_path / "a")


def test_an_estimate_holds_the_shards_counts_two_and_leaves_none(streamed: Path, text: CalibrationSource) -> None:
    sizes = sorted(shard.bytes for shard in known.shards.values()) if (known := remote_model(streamed)) else []
    compressor = RTN(PARAMS)
    with (streamed / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another process is reading the shards"):
            estimate(streamed, compressor, text)
    expected = estimate(streamed, compressor, text)
    assert expected.disk == artefact_bytes(read_shape(streamed), compressor) + sum(sizes[-2:])
    assert not shards_in(streamed)


def test_a_damaged_remote_is_named(sharded: Path, tmp_path: Path) -> None:
    remote = Path(shutil.copytree(sharded, tmp_path / "remote"))
    shard = shards_in(remote)[0]
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(ModelError, match="is truncated"):
        read_shape(streamed_folder(FolderRemote(remote), tmp_path / "a"))
    shard.write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match="its header does not fit"):
        streamed_folder(FolderRemote(remote), tmp_path / "b")
