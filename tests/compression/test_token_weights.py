from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.manifest import read_manifest
from harness.checkpoints.shape import input_groups, shape_of
from harness.compression import token_weights as module
from harness.compression.blocks import pad
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.token_weights import token_weights
from harness.contract import Compressor, Decisions, ModelShape
from harness.contract.compression import Calibration
from harness.errors import ModelError
from harness_plugins.compressors.caldera.budget import Budget
from harness_plugins.compressors.caldera.controls import Uniform
from harness_plugins.compressors.caldera.params import BudgetParams, CalderaParams, UniformParams
from harness_plugins.compressors.caldera.plugin import Caldera

LENGTHS = (20, 17, 9, 20, 3, 12)


def quiet(*_: Any) -> None:
    pass


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=50,
    )
    folder = tmp_path_factory.mktemp("tiny")
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def calibration(weights: tuple[float, ...] = (1.0,) * 6) -> Calibration:
    generator = torch.Generator().manual_seed(0)
    return Calibration([torch.randint(0, 50, (n,), generator=generator).tolist() for n in LENGTHS], list(weights))


def by_hand(folder: Path, tokens: list[int]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Linear -> (inputs (T, n), ‖g‖² (T,)) of one sequence through the whole model."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    seen: dict[str, Any] = {}
    for linear in shape_of(open_checkpoint(folder)).linears:

        def hook(_: Any, args: Any, output: torch.Tensor, name: str = linear.name) -> None:
            seen[name] = [args[0][0].detach(), None]
            output.register_hook(lambda g: seen[name].__setitem__(1, g[0].square().sum(-1)))

        model.get_submodule(linear.name).register_forward_hook(hook)
    ids = torch.tensor([tokens])
    logits = model(ids).logits
    torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum").backward()
    return {name: tuple(pair) for name, pair in seen.items()}


def test_a_tokens_weight_is_its_mean_squared_gradient(tiny: Path) -> None:
    checkpoint, given = open_checkpoint(tiny), calibration((0.2, 1.0, 0.7, 0.4, 3.0, 0.9))
    found = token_weights(checkpoint, given, "cpu", quiet)
    order = sorted(range(len(LENGTHS)), key=lambda index: -LENGTHS[index])  # one batch: they are short
    for row, index in enumerate(order):
        truth = by_hand(tiny, given.sequences[index])
        for group, members in input_groups(shape_of(checkpoint).linears):
            expected = sum(truth[linear.name][1] for linear in members) / sum(linear.rows for linear in members)
            own = found(group, 0)[row]
            assert torch.allclose(own[: LENGTHS[index]], given.weights[index] * expected, rtol=1e-3, atol=1e-9)
            assert not own[LENGTHS[index] :].any()


class Recording(Caldera):
    """Keeps the Hessians that it is given."""

    seen: dict[str, torch.Tensor]

    def compress_linears(self, weights: Any, hessian: Any, decisions: Any) -> Any:
        self.seen |= {name: hessian.clone() for name in weights}
        return super().compress_linears(weights, hessian, decisions)


@pytest.mark.parametrize("guided", [False, True])
def test_the_hessian_is_the_weighted_mean_of_the_inputs(tiny: Path, tmp_path: Path, guided: bool) -> None:
    given = calibration()
    compressor = Recording(CalderaParams(bits=4, rank=0, group=8, hessian="guided" if guided else "plain"))
    compressor.seen = {}
    source = CalibrationSource(tokens=tuple(map(tuple, given.sequences)), sequential=False)
    compress(tiny, compressor, source, tmp_path / "out")
    truths = [by_hand(tiny, tokens) for tokens in given.sequences]
    for _, members in input_groups(shape_of(open_checkpoint(tiny)).linears):
        name = members[0].name
        total, weight = torch.zeros(members[0].columns, members[0].columns), 0.0
        for truth in truths:
            x = truth[name][0]
            s = sum(truth[linear.name][1] for linear in members) if guided else torch.ones(len(x))
            total += (x * s[:, None]).T @ x
            weight += float(s.sum())
        expected = total / weight
        assert torch.allclose(compressor.seen[name], expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


def test_guided_factors_serve_the_tokens_that_the_loss_depends_on() -> None:
    """Two kinds of tokens in different directions, and rank for one: plain Hessians divide it among both."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(24, 32, generator=generator)
    x = torch.randn(400, 32, generator=generator)
    x[:200, :16] *= 8
    x[200:, 16:] *= 8
    s = torch.cat([torch.full((200,), 1.0), torch.full((200,), 1e-3)])
    plain, guided = x.T @ x / 400, (x * s[:, None]).T @ x / s.sum()
    compressor = Caldera(CalderaParams(bits=2, group=16, factor_bits=16))

    def loss(hessian: torch.Tensor) -> float:
        made = compressor.compress_linears({"w": weight}, hessian, {"w": compressor.params.decision(12, 2)})["w"]
        return float(((((weight - made.dequantize()) @ x.T) ** 2).sum(0) * s).sum())

    assert loss(guided) < 0.7 * loss(plain)


def test_they_are_made_once_for_every_bit_width_and_a_killed_pass_goes_on(
    tiny: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOKENS_AT_ONCE", 30)
    monkeypatch.setattr("harness.compression.blocks.CPU_TOKENS", 20)
    lots: list[int] = []
    once = module._weights

    def counted(*args: Any) -> Any:
        lots.append(len(args[2]))
        if len(lots) == 3:
            raise KeyboardInterrupt
        return once(*args)

    monkeypatch.setattr(module, "_weights", counted)
    checkpoint, given = open_checkpoint(tiny), calibration()
    with pytest.raises(KeyboardInterrupt):
        token_weights(checkpoint, given, "cpu", quiet)
    found = token_weights(checkpoint, given, "cpu", quiet)
    batches = len(list(pad(given)))
    assert sum(lots) - lots[2] == batches  # each lot once, but for the one that was killed
    assert len(lots) > 3
    for number, (tokens, _) in enumerate(pad(given)):
        assert found("model.layers.1.mlp.down_proj", number).shape == tokens.shape
    before = len(lots)
    source = CalibrationSource(tokens=tuple(map(tuple, given.sequences)))
    for bits in (2, 4):
        params = CalderaParams(bits=bits, rank=1, group=8, factor_group=8, hessian="guided", iterations=2)
        compress(tiny, Caldera(params), source, tmp_path / f"out{bits}")
        assert len(read_manifest(tmp_path / f"out{bits}").linears) == 14
    assert len(lots) == before
    assert not list(own_cache.glob("token-weights/*/inputs-*"))


def test_a_guided_budget_and_its_control(tiny: Path, tmp_path: Path) -> None:
    source = CalibrationSource(tokens=tuple(map(tuple, calibration().sequences)))
    params = BudgetParams(bpw=4.5, group=8, factor_group=8, widths=(2, 4), rank=0, iterations=2, hessian="guided")
    budget = Budget(params)
    made = compress(tiny, budget, source, tmp_path / "budget")
    control = Uniform(UniformParams(treatment="budget"), budget)
    assert control.guided
    even = compress(tiny, control, source, tmp_path / "control")
    assert even.size.bits_per_weight <= made.size.bits_per_weight <= 4.5


class Cut(Compressor):
    guided = True

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        return Caldera(CalderaParams(bits=4, rank=0, group=8)).plan(shape)


def test_linears_that_the_loss_does_not_depend_on_are_refused(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        if file.name != "model.safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tiny / "model.safetensors")
    tensors["model.layers.1.mlp.down_proj.weight"].zero_()  # nothing of gate and up goes on
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    source = CalibrationSource(tokens=tuple(map(tuple, calibration().sequences)))
    with pytest.raises(ModelError, match=r"gradient of the loss at model\.layers\.1\.mlp\.gate_proj\+up_proj is zero"):
        compress(tmp_path, Cut(CalderaParams()), source, tmp_path / "out")
