"""What benchmarks/cures_probes.py and cures_adapter.py measure, on activations and weights whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from harness.models.load import load

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from code_flips import rounded
from cures_adapter import GROUP, adapter_on_rounded
from cures_probes import LEAST, Read, reading, verdict

D, N = 12, 400  # dimensions, programs and replies


def activations(rng: np.random.Generator, hacks: np.ndarray) -> np.ndarray:
    """(N, D): hacks lie three standard deviations along the first axis."""
    found = rng.normal(size=(len(hacks), D))
    found[:, 0] += 3 * hacks
    return found


@pytest.fixture(scope="module")
def plain() -> tuple[Read, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    labels, hacks = (np.arange(N) % 2 == 0 for _ in range(2))
    half = np.arange(N) // 2 % 2 == 0
    return Read(activations(rng, labels), activations(rng, hacks), hacks), labels, half


def moved(read: Read, by) -> Read:
    return Read(by(read.learned), by(read.replies), read.hacks)


def shifted(x: np.ndarray) -> np.ndarray:
    return x - 4 * np.eye(D)[0]


def rotated(x: np.ndarray) -> np.ndarray:
    return np.roll(x, 1, axis=1)


def gone(x: np.ndarray) -> np.ndarray:
    return np.concatenate([np.random.default_rng(1).normal(size=(len(x), 1)), x[:, 1:]], axis=1)


@pytest.mark.parametrize(
    ("by", "said"),
    [(lambda x: x, "kept"), (shifted, "shift"), (rotated, "rotation"), (gone, "gone")],
    ids=["same", "shifted", "rotated", "gone"],
)
def test_a_probe_is_told_to_be_kept_shifted_rotated_or_gone(plain, by, said):
    read, labels, half = plain
    before, after = (reading(read, one, labels, half) for one in (read, moved(read, by)))
    assert before is not None
    assert after is not None
    assert before.stale > 0.95
    assert before.false < 0.15  # 5 % was set on other replies
    assert verdict(before, after) == said


def test_few_hacks_have_no_reading(plain):
    read, labels, half = plain
    few = np.zeros(N, dtype=bool)
    few[: LEAST - 1] = True
    assert reading(read, Read(read.learned, read.replies, few), labels, half) is None


def test_the_change_rides_whole_on_a_rounded_base(tmp_path, tiny_qwen2):
    trained, name = tmp_path / "trained", "model.layers.0.mlp.up_proj.weight"
    source = load(str(tiny_qwen2), "cpu", "float32")
    before = source.model.state_dict()[name].clone()
    change = 0.01 * torch.randn(before.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        source.model.state_dict()[name].add_(change)
    source.model.save_pretrained(trained)
    source.tokenizer.save_pretrained(trained)
    cell = SimpleNamespace(model=SimpleNamespace(path=str(tiny_qwen2)))
    out = adapter_on_rounded(cell, trained, 3, tmp_path / "out")
    found = load(str(out), "cpu", "float32").model.state_dict()[name]
    torch.testing.assert_close(found, rounded(before, 3, GROUP).dequantize() + change, atol=1e-6, rtol=0)
    assert not torch.allclose(found, rounded(before + change, 3, GROUP).dequantize(), atol=1e-4)
