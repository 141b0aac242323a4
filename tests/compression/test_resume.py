"""Kills, full disks and second processes: a clear error or the same artefact, never a silently wrong one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import warm
from rtn_compressors import RTN, CalibratedRTN, RTNParams
from transformers import AutoModelForCausalLM

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.manifest import read_manifest, verify
from harness.compression import job, pieces
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.export import export_dense
from harness.errors import ModelError
from harness.store.hashing import digest_file

WANTED = CalibrationSource(sequences=12, length=48)
PARAMS = RTNParams(bits=3, rank=2, factor_bits=4)

KILLED_RUN = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from rtn_compressors import CalibratedRTN, RTNParams
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress

calls, one = [], CalibratedRTN.compress_linears
def dying(self, *args):
    calls.append(1)
    if len(calls) > {groups}:
        os.kill(os.getpid(), signal.SIGKILL)
    return one(self, *args)
CalibratedRTN.compress_linears = dying
compress(Path({source!r}), CalibratedRTN(RTNParams(**{params!r})), CalibrationSource(**{wanted!r}), Path({out!r}))
"""


def shards(folder: Path) -> dict[str, str]:
    return {file.name: digest_file(file) for file in [*folder.glob("*.safetensors"), folder / "config.json"]}


def kill(groups: int, source: Path, out: Path) -> Path:
    """Run a compression in a process of its own that dies in the group after `groups` have been finished."""
    code = KILLED_RUN.format(
        tests=str(Path(__file__).parent),
        groups=groups,
        source=str(source),
        params=PARAMS.model_dump(),
        wanted=WANTED.model_dump(),
        out=str(out),
    )
    assert warm.run(["-c", code]).returncode == -signal.SIGKILL
    return out


@pytest.fixture(scope="module")
def killed_early(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished: q, k, v and o of block 0."""
    return kill(2, tiny_qwen2, tmp_path_factory.mktemp("killed") / "a")


@pytest.fixture(scope="module")
def undisturbed(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "a"
    compress(tiny_qwen2, CalibratedRTN(PARAMS), WANTED, out)
    return out


def test_a_run_killed_in_its_first_block_resumes_to_the_same_bytes(
    tiny_qwen2: Path, killed_early: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(killed_early, tmp_path / "a"))
    with pytest.raises(ModelError, match="not a complete artefact"):
        verify(out)
    with pytest.raises(ModelError, match="this compressed model is unfinished"):
        AutoModelForCausalLM.from_pretrained(out)
    compressor = CalibratedRTN(PARAMS)
    assert compress(tiny_qwen2, compressor, WANTED, out).resumed == 4
    assert len(compressor.hessians) == 12 - 2
    assert shards(out) == shards(undisturbed)
    assert not (out / "partial").exists()


def test_a_run_killed_in_a_later_block_resumes_to_the_same_bytes(
    tiny_qwen2: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = kill(6, tiny_qwen2, tmp_path / "a")
    took = json.loads((out / "partial" / "seconds.json").read_text())
    assert 0 < took < 1000
    (out / "partial" / "seconds.json").write_text(str(took + 1000))
    done = compress(tiny_qwen2, CalibratedRTN(PARAMS), WANTED, out)
    assert done.resumed == 7 + 4
    assert done.seconds < 1000 < read_manifest(out).seconds - took  # of this call, and of all
    assert shards(out) == shards(undisturbed)


def test_a_damaged_piece_is_made_again(tiny_qwen2: Path, killed_early: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(killed_early, tmp_path / "a"))
    piece = next((out / "partial").glob("*o_proj.safetensors"))
    raw = bytearray(piece.read_bytes())
    raw[-1] ^= 1
    piece.write_bytes(raw)
    assert compress(tiny_qwen2, CalibratedRTN(PARAMS), WANTED, out).resumed == 3
    assert shards(out) == shards(undisturbed)


def test_an_unfinished_run_of_another_configuration_is_not_continued(tiny_qwen2: Path, killed_early: Path) -> None:
    for params, wanted in [(PARAMS.model_copy(update={"bits": 4}), WANTED), (PARAMS, CalibrationSource(seed=1))]:
        with pytest.raises(ModelError, match="unfinished run with other settings"):
            compress(tiny_qwen2, CalibratedRTN(params), wanted, killed_early)


def test_an_unfinished_run_of_other_code_is_not_continued_but_a_finished_one_is_finished(
    tiny_qwen2: Path, killed_early: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "code_digest", lambda *_: "another")
    with pytest.raises(ModelError, match=r"unfinished run of another version of the code \(finish it with that"):
        compress(tiny_qwen2, CalibratedRTN(PARAMS), WANTED, killed_early)
    assert compress(tiny_qwen2, CalibratedRTN(PARAMS), WANTED, undisturbed).resumed == 21


def test_a_folder_with_other_things_is_not_touched(tiny_qwen2: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match=r"not empty: thesis.txt"):
        compress(tiny_qwen2, RTN(PARAMS), WANTED, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_two_processes_on_one_artefact(tiny_qwen2: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    out.mkdir()
    with (out / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another process is compressing"):
            compress(tiny_qwen2, RTN(PARAMS), WANTED, out)
    compress(tiny_qwen2, RTN(PARAMS), WANTED, out)


def test_a_full_disk_is_named_and_the_run_resumes(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(pieces.os, "fsync", full)
    with pytest.raises(ModelError, match=r"the disk is full: .*a compression resumes"):
        compress(tiny_qwen2, RTN(PARAMS), WANTED, tmp_path / "a")
    assert not list((tmp_path / "a").rglob("*.tmp"))
    monkeypatch.setattr(pieces.os, "fsync", sync)
    assert compress(tiny_qwen2, RTN(PARAMS), WANTED, tmp_path / "a").resumed > 0
    verify(tmp_path / "a")


def test_a_disk_that_fills_up_while_the_tokenizer_is_copied(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copyfile = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        if source.name != "tokenizer.json":
            copyfile(source, target)
            return
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(pieces.shutil, "copyfile", full)
        with pytest.raises(ModelError, match=r"the disk is full: .*tokenizer.json: .*a compression resumes"):
            compress(tiny_qwen2, RTN(PARAMS), WANTED, tmp_path / "a")
    assert not (tmp_path / "a" / "tokenizer.json").exists()
    compress(tiny_qwen2, RTN(PARAMS), WANTED, tmp_path / "a")
    assert digest_file(tmp_path / "a" / "tokenizer.json") == digest_file(tiny_qwen2 / "tokenizer.json")
    monkeypatch.setattr(pieces.shutil, "copyfile", full)
    with pytest.raises(ModelError, match=r"the disk is full: .*tokenizer.json: .*an export wants an empty folder"):
        export_dense(tmp_path / "a", tmp_path / "dense")


def test_a_really_full_device(tiny_qwen2: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(ModelError, match=r"cannot write|disk is full"):
        compress(tiny_qwen2, RTN(PARAMS), WANTED, Path("/dev/full"))
