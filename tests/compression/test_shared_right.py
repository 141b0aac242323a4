"""One R for the Linears of one input: counted once, stored once, and found again by whoever loads it."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.manifest import linear_bits, read_manifest
from harness.checkpoints.packed_linear import QLRLinear
from harness.checkpoints.shape import lenders, read_shape
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.export import export_compressed_tensors, export_dense
from harness.compression.make import make_artefact
from harness.contract import Decision
from harness.contract.compression import check_plan
from harness.errors import PluginError, UsageError
from harness_plugins.compressors.caldera import allocation
from harness_plugins.compressors.caldera.decompose import Schedule, decompose
from harness_plugins.compressors.caldera.linears import compress_linears
from harness_plugins.compressors.caldera.masked import Masked
from harness_plugins.compressors.caldera.metric import prepare
from harness_plugins.compressors.caldera.params import CalderaParams, MaskedParams
from harness_plugins.compressors.caldera.plugin import Caldera

GENERATOR = torch.Generator().manual_seed(0)
TOKENS = CalibrationSource(
    tokens=tuple(tuple(torch.randint(0, 60, (64,), generator=GENERATOR).tolist()) for _ in range(8))
)


def shared(**params: object) -> Caldera:
    usual = {"bits": 3, "group": 16, "factor_group": 16, "grid": "midtread", "iterations": 2, "shared_right": True}
    return Caldera(CalderaParams.model_validate({**usual, **params}))


@torch.no_grad()
def logits(folder: Path, **options: object) -> torch.Tensor:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)(torch.arange(40)[None]).logits


@pytest.mark.parametrize("rotate", [False, True])
def test_it_is_one_problem_with_the_rows_stacked(rotate: bool) -> None:
    draw = torch.Generator().manual_seed(1)
    x, first, second = (torch.randn(rows, 48, generator=draw) for rows in (200, 32, 16))
    decision = Decision(bits=2, group=16, rank=4, factor_bits=4, factor_group=16, rotate=rotate)
    borrowing = decision.model_copy(update={"borrows": True})
    hessian, schedule = x.T @ x / len(x), Schedule(3, 4)
    found = compress_linears({"a": first, "b": second}, hessian, {"a": decision, "b": borrowing}, schedule)
    assert [found[name].decision for name in "ab"] == [decision, borrowing]
    assert found["a"].right is found["b"].right
    for name, weight in (("a", first), ("b", second)):
        difference = weight - found[name].dequantize()
        damped = prepare(hessian)
        assert found[name].error == pytest.approx((damped.error(difference) / damped.error(weight)) ** 0.5, rel=2e-2)
    if not rotate:
        whole = decompose(torch.cat([first, second]), prepare(hessian), decision, schedule)
        parts = torch.cat([found[name].dequantize() for name in "ab"])
        assert torch.equal(parts, whole.dequantize())


@pytest.mark.parametrize("params", [{}, {"factor_bits": 16, "start": "gilora"}, {"rotate": True}], ids=str)
def test_size_first_then_packed_and_dense_alike(tiny_qwen2: Path, tmp_path: Path, params: dict) -> None:
    shape, out, compressor = read_shape(tiny_qwen2), tmp_path / "a", shared(rank=3, **params)
    decisions = compressor.plan(shape)
    own = allocation.stored_bits(shape, shared(rank=3, shared_right=False, **params).plan(shape))
    compress(tiny_qwen2, compressor, TOKENS, out)
    written, manifest = open_checkpoint(out), read_manifest(out)
    assert manifest.stored_bits == allocation.stored_bits(shape, decisions) < own
    for linear in shape.linears:
        assert linear_bits(written, linear.name) == linear.stored_bits(decisions[linear.name])
    borrowers = lenders({name: entry.decision for name, entry in manifest.linears.items()})
    assert len(borrowers) == 3 * 3  # q and v of k, up of gate, in each of three blocks
    assert not any(name.startswith(f"{one}.r_") for one in borrowers for name in written.tensors)
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, cache=False)
    packed = model(torch.arange(40)[None]).logits.detach()
    torch.testing.assert_close(packed, logits(out, dequantize=True), rtol=1e-4, atol=1e-4)
    buffers = sum(one.nbytes for layer in model.modules() if isinstance(layer, QLRLinear) for one in layer.buffers())
    assert 8 * buffers == manifest.stored_bits  # nothing is held twice
    torch.testing.assert_close(copy.deepcopy(model)(torch.arange(40)[None]).logits.detach(), packed)


def test_both_exports_carry_the_borrowed_factor(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, shared(rank=3), TOKENS, tmp_path / "a")
    export_dense(tmp_path / "a", tmp_path / "dense", torch.float32)
    torch.testing.assert_close(logits(tmp_path / "dense"), logits(tmp_path / "a"), rtol=1e-4, atol=1e-4)
    export_compressed_tensors(tmp_path / "a", tmp_path / "packed")  # compares itself with the artefact


def test_rank_none_takes_the_size_that_an_r_each_would(tiny_qwen2: Path) -> None:
    shape = read_shape(tiny_qwen2)
    apart, together = shared(shared_right=False).plan(shape), shared().plan(shape)
    name = shape.linears[0].name
    ours, theirs = (allocation.stored_bits(shape, plan) for plan in (together, apart))
    assert ours <= theirs
    assert together[name].rank >= apart[name].rank
    more = allocation.sharing(shape, shared(rank=together[name].rank + 1, shared_right=False).plan(shape))
    assert allocation.stored_bits(shape, more) > theirs


def test_rows_that_end_within_a_group_of_scales_share_nothing(tiny_qwen2: Path) -> None:
    shape = read_shape(tiny_qwen2)
    plan = shared(rank=3, factor_group=64).plan(shape)  # k and v have 32 rows; gate and up 96
    assert not any(decision.borrows for decision in plan.values())
    assert any(decision.borrows for decision in shared(rank=3, factor_group=0).plan(shape).values())


def test_who_borrows_needs_a_lender_of_the_same_kind(tiny_qwen2: Path, tmp_path: Path) -> None:
    shape, plan = read_shape(tiny_qwen2), shared(rank=3).plan(read_shape(tiny_qwen2))
    lender = "model.layers.1.mlp.gate_proj"
    with pytest.raises(PluginError, match=r"lets model.layers.1.mlp.up_proj borrow"):
        check_plan({**plan, lender: plan[lender].model_copy(update={"rank": 4})}, shape)
    with pytest.raises(ValueError, match="nothing to borrow"):
        Decision(bits=2, borrows=True)
    masked = Masked(MaskedParams(treatment="x", linears=("model.layers.1.mlp.up_proj",)), shared(rank=3))
    with pytest.raises(UsageError, match=r"its R is that of model.layers.1.mlp.gate_proj"):
        make_artefact(tiny_qwen2, masked, TOKENS, tmp_path / "m")
