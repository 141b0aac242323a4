"""Calibration text that a model writes itself is drawn from its own distribution, whatever else is drawn beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.stats import chisquare

from harness.checkpoints.pretrained import load_model
from harness.compression import self_samples
from harness.compression.self_samples import sample_from, sampling_memory, sampling_seconds
from harness.errors import StageError
from harness.models.decoding.asks import Ask
from harness.models.decoding.continuous import TREE, forest
from harness.models.decoding.decoder import Decoder


def test_a_sequence_does_not_depend_on_how_many_are_under_way(
    tiny_qwen2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = sample_from(tiny_qwen2, 9, 24, seed=5)
    monkeypatch.setattr(self_samples, "SAMPLING_ROWS", 2)
    assert sample_from(tiny_qwen2, 9, 24, seed=5) == many
    assert sample_from(tiny_qwen2, 9, 24, seed=6) != many


def test_a_model_that_is_decoded_batch_by_batch_draws_the_same(
    tiny_qwen2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_row = sample_from(tiny_qwen2, 5, 16, seed=1)
    monkeypatch.setattr(Decoder, "by_batch", "as a test wants it")
    told: list[int] = []
    assert sample_from(tiny_qwen2, 5, 16, seed=1, told=lambda drawn, _: told.append(drawn)) == by_row
    assert max(told) == 5 * 15
    assert sampling_seconds(tiny_qwen2, 5, 16, seed=1) > 0


def test_a_sequence_ends_with_its_first_eos_or_at_the_length(tiny_qwen2: Path, tmp_path: Path) -> None:
    model = load_model(tiny_qwen2, dtype=torch.float32)
    ends = list(range(0, model.config.vocab_size, 20))  # so many that most sequences end early
    model.generation_config.eos_token_id = ends
    model.save_pretrained(tmp_path)
    told: list[tuple[int, int]] = []
    sequences = sample_from(tmp_path, 40, 30, seed=0, told=lambda drawn, whole: told.append((drawn, whole)))
    assert len(sequences) == 40
    for sequence in sequences:
        assert not set(sequence[1:-1]) & set(ends)
        assert len(sequence) == 30 or sequence[-1] in ends
    assert {len(sequence) < 30 for sequence in sequences} == {True, False}
    assert told[-1] == (40 * 29, 40 * 29)  # what an early end leaves undrawn counts as done
    assert told == sorted(told)


def test_the_second_token_has_the_distribution_of_the_model(tiny_qwen2: Path, tmp_path: Path) -> None:
    model = load_model(tiny_qwen2, dtype=torch.float32).eval()
    model.generation_config.bos_token_id = 7
    model.save_pretrained(tmp_path)
    sequences = sample_from(tmp_path, 3000, 2, seed=3)
    assert {sequence[0] for sequence in sequences} == {7}
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([[7]])).logits[0, -1].double().softmax(0)
    counts = torch.bincount(torch.tensor([sequence[1] for sequence in sequences]), minlength=len(expected))
    order = expected.argsort(descending=True).split(len(expected) // 20)  # about twenty cells of many tokens each
    got = [int(counts[cell].sum()) for cell in order]
    want = [float(expected[cell].sum()) * 3000 for cell in order]
    assert chisquare(got, want).pvalue > 1e-4


def test_logits_that_are_no_numbers_are_an_error(tiny_qwen2: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_qwen2, tmp_path / "damaged")
    weights = load_file(tiny_qwen2 / "model.safetensors")
    weights["model.norm.weight"] *= float("nan")
    save_file(weights, tmp_path / "damaged" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StageError, match="not finite"):
        sample_from(tmp_path / "damaged", 3, 8, seed=0)


def test_the_estimate_times_and_weighs_the_rows_under_way(tiny_qwen2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sampling_seconds(tiny_qwen2, 70, 40, seed=9) > 0
    asked: list[Ask] = []
    monkeypatch.setattr(Decoder, "decode", lambda _, asks, *__: asked.extend(asks) or iter(()))
    sampling_seconds(tiny_qwen2, 70, 4096, seed=9)
    assert len(asked) == 3 * self_samples.SAMPLING_ROWS
    trees, _ = forest([ask.tokens for ask in asked], TREE)
    assert len(trees) == 1  # the prompts are read once
    config = load_model(tiny_qwen2).config
    a_token = (
        2 * config.num_hidden_layers * config.num_key_value_heads * config.hidden_size // config.num_attention_heads
    )
    assert sampling_memory(tiny_qwen2, 10, 40) == 4 * a_token * 40 * 10
    assert sampling_memory(tiny_qwen2, 1000, 40) == 4 * a_token * 40 * self_samples.SAMPLING_ROWS
