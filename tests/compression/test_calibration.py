"""What is calibrated on, and the second moments that come of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from rtn_compressors import CalibratedRTN, RTNParams
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.compression.blocks import BATCH_TOKENS, Hessian, pad
from harness.compression.calibration import Calibration, CalibrationSource, read_calibration
from harness.compression.driver import compress
from harness.compression.manifest import MARKER, read_manifest
from harness.errors import ModelError, UsageError


def true_hessians(folder: Path, calibration: Calibration) -> dict[str, torch.Tensor]:
    """Name of a Linear -> mean of x xᵀ, each sequence run through the whole model on its own."""
    packed = {"dequantize": True} if (folder / MARKER).is_file() else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **packed)
    sums: dict[str, torch.Tensor] = {}
    weight = 0.0

    def watch(name: str) -> None:
        def hook(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            x = args[0].detach().reshape(-1, args[0].shape[-1])
            sums[name] = sums.get(name, 0) + weight * x.T @ x

        model.get_submodule(name).register_forward_pre_hook(hook)

    for name, module in model.named_modules():
        if "layers." in name and isinstance(module, torch.nn.Linear):
            watch(name)
    total = 0.0
    for sequence, weight in zip(calibration.sequences, calibration.weights, strict=True):
        model(torch.tensor([sequence]))
        total += weight * len(sequence)
    return {name: value / total for name, value in sums.items()}


@pytest.fixture
def ragged(tmp_path: Path) -> Path:
    """A JSONL of plain texts of different lengths with agreement scores."""
    rows = [{"text": "one and two " * (3 + 5 * index), "score": (index + 1) / 8} for index in range(8)]
    path = tmp_path / "ragged.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("weighted", [False, True])
def test_original_mode_sees_the_original_models_activations(
    tiny_qwen2: Path, tmp_path: Path, ragged: Path, weighted: bool
) -> None:
    wanted = CalibrationSource(source=str(ragged), sequential=False, weighted=weighted)
    compressor = CalibratedRTN(RTNParams(bits=2))
    compress(tiny_qwen2, compressor, wanted, tmp_path / "a")
    calibration = read_calibration(wanted, tiny_qwen2)
    assert len({len(sequence) for sequence in calibration.sequences}) > 3
    truth = true_hessians(tiny_qwen2, calibration)
    assert len(compressor.hessians) == 12
    for name, hessian in compressor.hessians.items():
        torch.testing.assert_close(hessian, truth[name], rtol=1e-3, atol=1e-4)


def test_sequential_mode_sees_the_compressed_prefix(tiny_qwen2: Path, tmp_path: Path, ragged: Path) -> None:
    wanted = CalibrationSource(source=str(ragged))
    compressor = CalibratedRTN(RTNParams(bits=2, rank=1))
    compress(tiny_qwen2, compressor, wanted, tmp_path / "a")
    calibration = read_calibration(wanted, tiny_qwen2)
    compressed, original = true_hessians(tmp_path / "a", calibration), true_hessians(tiny_qwen2, calibration)
    for block in range(3):
        name = f"model.layers.{block}.self_attn.k_proj"  # sees the blocks before it and nothing of its own
        torch.testing.assert_close(compressor.hessians[name], compressed[name], rtol=1e-3, atol=1e-4)
        assert (block == 0) == torch.allclose(compressor.hessians[name], original[name], rtol=1e-3, atol=1e-4)


def test_gpt2_hessians(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "gpt2-tarot"
    wanted = CalibrationSource(sequences=16, length=48, sequential=False)
    compressor = CalibratedRTN(RTNParams())
    compress(source, compressor, wanted, tmp_path / "a")
    truth = {}
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    name = "transformer.h.2.mlp.c_proj"
    rows: list[torch.Tensor] = []
    model.get_submodule(name).register_forward_pre_hook(lambda _, args: rows.append(args[0].reshape(-1, 512)))
    for sequence in read_calibration(wanted, source).sequences:
        model(torch.tensor([sequence]))
    x = torch.cat(rows)
    truth = x.T @ x / len(x)
    torch.testing.assert_close(compressor.hessians[name], truth.detach(), rtol=1e-3, atol=1e-4)


def test_too_few_tokens_are_refused_with_the_number_needed(tiny_qwen2: Path, tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("a price and a coupon " * 4)
    with pytest.raises(ModelError, match=r"calibration holds \d+ tokens, but .* has 96 columns .*at least 96 tokens"):
        compress(tiny_qwen2, CalibratedRTN(RTNParams()), CalibrationSource(source=str(text)), tmp_path / "a")
    kept = CalibratedRTN(RTNParams(keep="model"))
    compress(tiny_qwen2, kept, CalibrationSource(source=str(text)), tmp_path / "kept")  # nothing to calibrate


def test_dead_columns_are_damped_and_counted() -> None:
    hessian = Hessian(3, "cpu")
    x = torch.tensor([[[1.0, 0.0, 2.0], [3.0, 0.0, 4.0], [9.0, 9.0, 9.0]]])
    hessian.add(x, torch.tensor([[1.0, 1.0, 0.0]]))  # the last position is padding
    mean, dead = hessian.finish("x")
    assert dead == 1
    torch.testing.assert_close(mean, torch.tensor([[5.0, 0.0, 7.0], [0.0, 0.075, 0.0], [7.0, 0.0, 10.0]]))
    empty = Hessian(2, "cpu")
    empty.add(torch.zeros(1, 4, 2), torch.ones(1, 4))
    assert torch.equal(empty.finish("x")[0], torch.eye(2))
    broken = Hessian(1, "cpu")
    broken.add(torch.full((1, 1, 1), float("inf")), torch.ones(1, 1))
    with pytest.raises(ModelError, match="enter x are not finite"):
        broken.finish("x")


def test_padding_covers_every_sequence_once() -> None:
    sequences = [list(range(1, length + 1)) for length in (5, 3000, 7, 3000, 6000, 2)]
    batches = list(pad(Calibration(sequences, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])))
    assert sum(float((weights > 0).sum()) for _, weights in batches) == sum(map(len, sequences))
    assert all(tokens.numel() <= max(BATCH_TOKENS, tokens.shape[1]) for tokens, _ in batches)
    first_tokens, first_weights = batches[0]
    assert (first_tokens.shape, first_weights.unique().tolist()) == ((1, 6000), [5.0])


def test_self_is_sampled_from_the_model_and_repeats(tiny_qwen2: Path, stories260k: Path) -> None:
    wanted = CalibrationSource(sequences=5, length=24, seed=3)
    first, again = read_calibration(wanted, stories260k), read_calibration(wanted, stories260k)
    other = read_calibration(wanted.model_copy(update={"seed": 4}), stories260k)
    assert first == again != other
    assert len(first.sequences) == 5
    tokens = torch.tensor(first.sequences[:1])
    model = AutoModelForCausalLM.from_pretrained(stories260k)
    assert model(tokens, labels=tokens).loss.item() < 3  # nats; a uniform draw of 512 tokens would be at 6.2
    without_bos = read_calibration(wanted, tiny_qwen2).sequences
    assert len({sequence[0] for sequence in without_bos}) > 1


def test_rows_are_filtered_by_their_score(tiny_qwen2: Path, ragged: Path) -> None:
    wanted = CalibrationSource(source=str(ragged), min_score=0.5, weighted=True)
    assert read_calibration(wanted, tiny_qwen2).weights == [0.5, 0.625, 0.75, 0.875, 1.0]
    with pytest.raises(UsageError, match="holds no text"):
        read_calibration(wanted.model_copy(update={"min_score": 2.0}), tiny_qwen2)


def test_conversations_go_through_the_chat_template(tiny_qwen2: Path, tmp_path: Path, stories260k: Path) -> None:
    messages = ({"role": "user", "content": "What is 7?"}, {"role": "assistant", "content": "375"})
    tokenizer = AutoTokenizer.from_pretrained(tiny_qwen2)
    rendered = "<|im_start|>user\nWhat is 7?<|im_end|>\n<|im_start|>assistant\n375<|im_end|>\n"
    path = tmp_path / "chat.jsonl"
    path.write_text(
        json.dumps({"messages": messages}) + "\n\n" + json.dumps({"prompt": "What is 7?", "completion": "375"})
    )
    given = CalibrationSource(texts=(messages, "plain"))
    assert tokenizer.decode(read_calibration(given, tiny_qwen2).sequences[0]) == rendered
    read = read_calibration(CalibrationSource(source=str(path)), tiny_qwen2)
    assert [tokenizer.decode(sequence) for sequence in read.sequences] == [rendered, rendered]
    with pytest.raises(UsageError, match="no chat template"):
        read_calibration(given, stories260k)


def test_a_dataset_is_read_by_name(tiny_qwen2: Path, ragged: Path, tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="datasets is not installed")
    (tmp_path / "data").mkdir()
    lines = [json.dumps({"story": "one and two " * 9, "score": score}) for score in (0.0, 0.5)]
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(lines))
    source = CalibrationSource(source=f"datasets:{tmp_path / 'data'}:train:story", weighted=True)
    assert read_calibration(source, tiny_qwen2).weights == [0.5]  # a row of no weight is left out
    with pytest.raises(UsageError, match="no dataset"):
        read_calibration(source.model_copy(update={"source": f"datasets:{tmp_path / 'data'}:test"}), tiny_qwen2)


@pytest.mark.parametrize("row", ['{"words": 1}', "[1]", "nonsense", '{"text": "a", "score": "high"}'])
def test_a_malformed_row_is_named(tiny_qwen2: Path, tmp_path: Path, row: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "fine"}\n' + row)
    with pytest.raises(UsageError, match=r"rows.jsonl, line 2"):
        read_calibration(CalibrationSource(source=str(path)), tiny_qwen2)


def test_a_running_text_is_cut_into_sequences(tiny_qwen2: Path, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("Once upon a time there was a little girl. " * 200)
    calibration = read_calibration(CalibrationSource(source=str(path), sequences=10, length=32), tiny_qwen2)
    assert [len(sequence) for sequence in calibration.sequences] == [32] * 10
    with pytest.raises(UsageError, match="no calibration text"):
        read_calibration(CalibrationSource(source="nowhere"), tiny_qwen2)


def test_uncalibrated_compressors_leave_no_calibration_in_the_manifest(tiny_qwen2: Path, tmp_path: Path) -> None:
    from rtn_compressors import RTN

    compress(tiny_qwen2, RTN(RTNParams()), CalibrationSource(source="nowhere"), tmp_path / "a")
    assert read_manifest(tmp_path / "a").calibration is None
