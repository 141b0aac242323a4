"""What is calibrated on, and the second moments that come of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from rtn_compressors import RTN, CalibratedRTN, RTNParams
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.manifest import MARKER, read_manifest
from harness.compression import paused
from harness.compression.blocks import CPU_TOKENS, BlockWalker, pad
from harness.compression.calibration import CalibrationSource, read_calibration
from harness.compression.driver import compress
from harness.compression.moments import Drift, Hessian, InputStatistics
from harness.contract import LinearShape
from harness.contract.compression import Calibration
from harness.errors import ModelError, UsageError
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.plugin import Caldera

Inputs = dict[str, list[torch.Tensor]]  # Linear -> its input (T, n) for each sequence


def true_inputs(folder: Path, calibration: Calibration) -> Inputs:
    """What enters every Linear when each sequence runs through the whole model on its own."""
    packed = {"dequantize": True} if (folder / MARKER).is_file() else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **packed)
    inputs: Inputs = {}

    def watch(name: str) -> None:
        def hook(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            inputs.setdefault(name, []).append(args[0].detach().reshape(-1, args[0].shape[-1]))

        model.get_submodule(name).register_forward_pre_hook(hook)

    for name, module in model.named_modules():
        if "layers." in name and isinstance(module, torch.nn.Linear):
            watch(name)
    for sequence in calibration.sequences:
        model(torch.tensor([sequence]))
    return inputs


def mean_product(left: list[torch.Tensor], right: list[torch.Tensor], weights: list[float]) -> torch.Tensor:
    """Weighted mean of x yᵀ over positions."""
    total = sum(weight * x.T @ y for x, y, weight in zip(left, right, weights, strict=True))
    return total / sum(weight * len(x) for x, weight in zip(left, weights, strict=True))


def true_hessians(folder: Path, calibration: Calibration) -> dict[str, torch.Tensor]:
    inputs = true_inputs(folder, calibration)
    return {name: mean_product(x, x, calibration.weights) for name, x in inputs.items()}


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


def test_sequential_mode_sees_every_compressed_linear_before_it(tiny_qwen2: Path, tmp_path: Path, ragged: Path) -> None:
    wanted = CalibrationSource(source=str(ragged), refit=False)
    compressor = CalibratedRTN(RTNParams(bits=2, rank=1))
    compress(tiny_qwen2, compressor, wanted, tmp_path / "a")
    calibration = read_calibration(wanted, tiny_qwen2)
    compressed, original = true_hessians(tmp_path / "a", calibration), true_hessians(tiny_qwen2, calibration)
    assert len(compressor.hessians) == 12
    for name, hessian in compressor.hessians.items():
        torch.testing.assert_close(hessian, compressed[name], rtol=1e-3, atol=1e-4)
        first = "layers.0.self_attn" in name and "o_proj" not in name  # nothing lies before it
        assert first == torch.allclose(hessian, original[name], rtol=1e-3, atol=1e-4)
    sources = load_file(tiny_qwen2 / "model.safetensors")
    assert all(torch.equal(weight, sources[f"{name}.weight"]) for name, weight in compressor.weights.items())


class Cautious(CalibratedRTN):
    """Undoes half of the errors before it in attention, none in the MLP."""

    def makes_up(self, linear: LinearShape) -> float:
        share = 0.5 if "self_attn" in linear.name else 0.0
        engine = Caldera(CalderaParams(refit=0.5, refit_mlp=0.0))
        assert (engine.makes_up(linear), Caldera(CalderaParams()).makes_up(linear)) == (share, 1.0)
        return share


@pytest.mark.parametrize(("kind", "weighted"), [(CalibratedRTN, False), (CalibratedRTN, True), (Cautious, False)])
def test_refit_is_the_least_squares_fit_to_the_original_outputs(
    tiny_qwen2: Path, tmp_path: Path, ragged: Path, kind: type[CalibratedRTN], weighted: bool
) -> None:
    wanted = CalibrationSource(source=str(ragged), weighted=weighted)
    compressor = kind(RTNParams(bits=2, rank=1))
    compress(tiny_qwen2, compressor, wanted, tmp_path / "a")
    calibration = read_calibration(wanted, tiny_qwen2)
    before, after = true_inputs(tiny_qwen2, calibration), true_inputs(tmp_path / "a", calibration)
    sources = load_file(tiny_qwen2 / "model.safetensors")
    moved = 0
    for name, weight in compressor.weights.items():
        hessian = mean_product(after[name], after[name], calibration.weights).double()
        cross = mean_product(before[name], after[name], calibration.weights).double()
        ridge = 0.01 * hessian.diagonal().mean() * torch.eye(len(hessian)).double()
        original = sources[f"{name}.weight"]
        fitted = original.double() @ (cross + ridge) @ torch.linalg.inv(hessian + ridge)
        if kind is Cautious:  # W + α (fit − W), α by QEP
            fitted = (fitted + original) / 2 if "self_attn" in name else original.double()
        torch.testing.assert_close(weight, fitted.float(), rtol=5e-3, atol=5e-3)
        moved += not torch.allclose(weight, original, rtol=5e-2, atol=5e-2)
    assert moved == (
        21 - 3 if kind is CalibratedRTN else 3 * 4 - 3
    )  # q, k, v of the first block have nothing to make up for
    assert torch.equal(
        compressor.weights["model.layers.0.self_attn.q_proj"], sources["model.layers.0.self_attn.q_proj.weight"]
    )


def test_refit_brings_the_model_closer_to_the_original(stories260k: Path, tmp_path: Path) -> None:
    wanted = CalibrationSource(sequences=64, length=128)
    unseen = read_calibration(wanted.model_copy(update={"seed": 1}), stories260k).sequences[:16]

    def predictions(folder: Path) -> torch.Tensor:
        """(tokens of all texts, V)."""
        model = AutoModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            return torch.cat([model(torch.tensor([tokens])).logits[0].log_softmax(-1) for tokens in unseen])

    original = predictions(stories260k)
    divergence = {}
    for refit in (False, True):
        compressor = CalibratedRTN(RTNParams(bits=3, group=32))
        compress(stories260k, compressor, wanted.model_copy(update={"refit": refit}), tmp_path / str(refit))
        divergence[refit] = float((original.exp() * (original - predictions(tmp_path / str(refit)))).sum(-1).mean())
    assert divergence[True] < 0.7 * divergence[False]


def test_a_drift_of_nothing_changes_nothing_and_a_singular_hessian_is_damped() -> None:
    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    still = Drift(4, "cpu")
    x = torch.ones(1, 5, 4)
    still.add(x, x, torch.ones(1, 5))
    hessian = Hessian(4, "cpu")
    hessian.add(x, torch.ones(1, 5))  # rank 1
    mean, dead = hessian.finish("x")
    assert dead == 0
    assert InputStatistics(mean, dead, still.finish()).targets({"w": weight}, {"w": 1.0})["w"] is weight
    moved = Drift(4, "cpu")
    moved.add(3 * x, x, torch.ones(1, 5))
    fitted = InputStatistics(mean, dead, moved.finish()).targets({"w": weight}, {"w": 1.0})["w"]
    torch.testing.assert_close(fitted @ x[0, 0], 3 * weight @ x[0, 0], rtol=1e-2, atol=1e-2)


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


def test_a_pass_that_finds_no_room_to_wait_starts_over(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ragged: Path
) -> None:
    wanted = CalibrationSource(source=str(ragged), length=40)
    made = []
    for room in (paused.HELD_BYTES, 40_000, 0):  # all batches wait, some, none
        monkeypatch.setattr(paused, "HELD_BYTES", room)
        compress(tiny_qwen2, CalibratedRTN(RTNParams()), wanted, tmp_path / str(room))
        made.append(read_manifest(tmp_path / str(room)).tensors)
    assert made[0] == made[1] == made[2]


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
    assert all(tokens.numel() <= max(CPU_TOKENS, tokens.shape[1]) for tokens, _ in batches)
    first_tokens, first_weights = batches[0]
    assert (first_tokens.shape, first_weights.unique().tolist()) == ((1, 6000), [5.0])


def test_self_is_sampled_from_the_model_and_repeats(tiny_qwen2: Path, stories260k: Path) -> None:
    wanted = CalibrationSource(sequences=5, length=24, seed=3)
    told: list[tuple[int, int]] = []
    first = read_calibration(wanted, stories260k, told=lambda done, total: told.append((done, total)))
    again = read_calibration(wanted, stories260k)
    assert told == sorted(told)
    assert 2 < len(told) < 24
    assert told[-1] == (5 * 23, 5 * 23)
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
    with pytest.raises(UsageError, match=r"min_score 2 leaves no row of .*ragged.jsonl \(give 1 or less\)"):
        read_calibration(wanted.model_copy(update={"min_score": 2.0}), tiny_qwen2)


def test_scores_that_are_not_there_are_not_asked_for(tiny_qwen2: Path, tmp_path: Path, ragged: Path) -> None:
    plain, bare = tmp_path / "plain.txt", tmp_path / "bare.jsonl"
    plain.write_text("one and two " * 40)
    bare.write_text('{"text": "one and two"}\n' * 9)
    for changes, flag in [({"weighted": True}, "weighted"), ({"min_score": 0.5}, "min_score")]:
        for source in (CalibrationSource(), CalibrationSource(source=str(plain)), CalibrationSource(texts=("one",))):
            with pytest.raises(UsageError, match=f"{flag} does nothing: .* has no rows with scores"):
                compress(tiny_qwen2, CalibratedRTN(RTNParams()), source.model_copy(update=changes), tmp_path / "a")
        with pytest.raises(UsageError, match=f"{flag} does nothing: the compressor does not calibrate"):
            compress(tiny_qwen2, RTN(RTNParams()), CalibrationSource(source=str(ragged), **changes), tmp_path / "a")
        with pytest.raises(UsageError, match=r"no row of .*bare.jsonl has a score"):
            read_calibration(CalibrationSource(source=str(bare), **changes), tiny_qwen2)
    assert not (tmp_path / "a").exists()


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
    compress(tiny_qwen2, RTN(RTNParams()), CalibrationSource(source="nowhere"), tmp_path / "a")
    assert read_manifest(tmp_path / "a").calibration is None


def test_second_moments_are_the_plain_product():
    """Half of the matrix is summed and mirrored; more columns than a block of rows, weights, two batches."""
    dice = torch.Generator().manual_seed(0)
    batches = [(torch.randn(2, 9, 700, generator=dice), torch.rand(2, 9, generator=dice)) for _ in range(2)]
    hessian = Hessian(700, "cpu")
    for x, weights in batches:
        hessian.add(x, weights)
    found, dead = hessian.finish("q_proj")
    total = sum((x.double() * w[..., None]).flatten(0, 1).T @ x.double().flatten(0, 1) for x, w in batches)
    expected = total / sum(w.double().sum() for _, w in batches)
    assert dead == 0
    assert torch.equal(found, found.T)
    assert torch.allclose(found.double(), expected, rtol=1e-4, atol=1e-5)


def test_taken_weights_come_and_go_and_the_block_is_left_as_it_was(tiny_qwen2: Path) -> None:
    walker = BlockWalker(open_checkpoint(tiny_qwen2), "cpu")
    (batch,) = walker.embed(Calibration([[5, 6, 7, 8]], [1.0]))
    name = "model.layers.0.mlp.down_proj"
    with walker.loaded(0):
        before = walker.forward(0, batch)
        own = walker.taken(name)
        torch.testing.assert_close(walker.forward(0, batch), before)
        walker.install({name: walker.prepared(name, torch.zeros(own.to_dense().shape))})
        silent = walker.forward(0, batch)
        walker.install({name: own})
        torch.testing.assert_close(walker.forward(0, batch), before)
    assert not torch.allclose(silent, before)
    assert type(walker.linear(name)) is torch.nn.Linear
    assert walker.linear(name).weight.is_meta
