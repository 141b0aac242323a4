"""Models and data that tests of every area share.

Nothing is downloaded: `tiny_qwen2` is built on the spot, third-party data is used where it lies beside the project.
"""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny tensors: more threads only spin against each other
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for the hub should fail at once
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a job started in the background ignores it, and so would its children

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def users_cache_untouched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A test neither reads nor fills the user's shared cache: what it finds there would depend on earlier runs."""
    os.environ["HARNESS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module", autouse=True)
def old_objects_frozen() -> None:
    """Each block that is compressed ends with a full collection, which took half a second for the two million objects of
    the libraries and of the collected tests: from now on it walks what is new."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of third-party data beside the project (`../shared/data`)."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"third-party data is not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def stories260k(shared_data: Path) -> Path:
    """A real pretrained Llama: 260 k parameters, 5 blocks, d=64, ffn 172, 512 tokens, tied head, no chat template."""
    folder = shared_data / "stories260k"
    if not (folder / "model.safetensors").is_file():
        pytest.skip(f"the stories260k checkpoint is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny_qwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2 with its tokenizer: 3 blocks, d=64, ffn 96, grouped queries, biases that are not zero, a tied head
    and a chat template. Same weights in every session; treat the folder as read-only."""
    from harness.testing.model import build_tiny_qwen2

    folder = tmp_path_factory.mktemp("tiny_qwen2")
    build_tiny_qwen2(folder)
    return folder


@pytest.fixture(scope="session")
def quantized_qwen2(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny_qwen2 in compressed-tensors' own format: 4 bits, groups of 32. Treat the folder as read-only."""
    from harness.compression.calibration import CalibrationSource
    from harness.compression.driver import compress
    from harness.compression.export import export_compressed_tensors
    from harness_plugins.compressors.caldera.params import CalderaParams
    from harness_plugins.compressors.caldera.plugin import Caldera

    made, out = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("ready") / "folder"
    settings = CalderaParams(bits=4, rank=0, group=32, grid="midtread", iterations=1)
    compress(tiny_qwen2, Caldera(settings), CalibrationSource(tokens=(tuple(range(60)),) * 4), made / "a")
    export_compressed_tensors(made / "a", out)
    return out
