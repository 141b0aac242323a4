from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from harness.contract import Decision, Decisions, LinearShape, ModelShape
from harness_plugins.compressors.caldera.allocation import default_rank, rank_shares, stored_bits
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.plugin import Caldera
from harness_plugins.compressors.caldera.rtn import Rtn, RtnParams
from harness_plugins.compressors.caldera.rtn_svd import RtnSvd, RtnSvdParams


def decoder(blocks: int, hidden: int, kv: int, inner: int) -> ModelShape:
    """The Linears of a Qwen2-like decoder."""
    sizes = {
        "q_proj": (hidden, hidden),
        "k_proj": (kv, hidden),
        "v_proj": (kv, hidden),
        "o_proj": (hidden, hidden),
        "gate_proj": (inner, hidden),
        "up_proj": (inner, hidden),
        "down_proj": (hidden, inner),
    }
    groups = {"q_proj": "qkv", "k_proj": "qkv", "v_proj": "qkv", "o_proj": "o", "gate_proj": "up", "up_proj": "up"}
    linears = [
        LinearShape(
            name=f"model.layers.{block}.{kind}",
            kind=kind,
            block=block,
            rows=rows,
            columns=columns,
            input_group=f"{block}.{groups.get(kind, 'down')}",
        )
        for block in range(blocks)
        for kind, (rows, columns) in sizes.items()
    ]
    return ModelShape(blocks=blocks, hidden=hidden, linears=tuple(linears))


SHAPES = {
    "pocket-like": decoder(6, 192, 64, 516),
    "stories": decoder(5, 64, 32, 172),
    "one block": decoder(1, 64, 32, 172),
    "Qwen2-7B": decoder(28, 3584, 512, 18944),
    "Qwen2-72B": decoder(80, 8192, 1024, 29568),
}


def plan(shape: ModelShape, **params: object) -> Decisions:
    return Caldera(CalderaParams(**params)).plan(shape)  # type: ignore[arg-type]


def ranks(shape: ModelShape, decisions: Decisions, kind: str = "q_proj") -> list[int]:
    return [decisions[linear.name].rank for linear in shape.linears if linear.kind == kind]


def test_rank_shares_are_averaged_over_each_blocks_interval() -> None:
    assert rank_shares(6) == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.56, 2.72])
    for blocks in (1, 5, 28, 80):
        assert sum(rank_shares(blocks)) / blocks == pytest.approx(sum(rank_shares(1)))


@pytest.mark.parametrize(("hidden", "rank"), [(3584, 64), (8192, 146), (64, 1), (16, 1), (192, 3)])
def test_default_rank(hidden: int, rank: int) -> None:
    assert default_rank(hidden) == rank


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("rank", [None, 40])
def test_ultra_stores_what_uniform_stores(name: str, bits: int, rank: int | None) -> None:
    shape = SHAPES[name]
    uniform, ultra = plan(shape, bits=bits, rank=rank), plan(shape, bits=bits, rank=rank, allocation="ultra")
    budget, used = stored_bits(shape, uniform), stored_bits(shape, ultra)
    assert used <= budget
    for block in range(shape.blocks):  # one more rank in any block that can take one would exceed the budget
        raised = ultra | {
            linear.name: ultra[linear.name].model_copy(update={"rank": ultra[linear.name].rank + 1})
            for linear in shape.linears
            if linear.block == block
        }
        full = all(
            ultra[linear.name].rank >= min(linear.rows, linear.columns)
            for linear in shape.linears
            if linear.block == block
        )
        assert full or stored_bits(shape, raised) > budget
    assert {decision.bits for decision in ultra.values()} == {bits}


def test_ultra_moves_rank_to_the_late_blocks() -> None:
    shape = SHAPES["Qwen2-7B"]
    by_block = ranks(shape, plan(shape, bits=3, allocation="ultra"))
    assert by_block == sorted(by_block)
    assert by_block[0] < 64 < by_block[-1]
    assert by_block[-1] / by_block[0] == pytest.approx(8, rel=0.05)  # 4 against 0.5


def test_ranks_are_clamped_to_the_matrix() -> None:
    shape = SHAPES["stories"]
    for allocation in ("uniform", "ultra"):
        decisions = plan(shape, bits=2, rank=500, allocation=allocation)
        for linear in shape.linears:
            assert decisions[linear.name].rank <= min(linear.rows, linear.columns)


@pytest.mark.parametrize(("name", "kept"), [("pocket-like", 1), ("Qwen2-7B", 4), ("Qwen2-72B", 10), ("one block", 1)])
def test_selective_keeps_the_last_eighth(name: str, kept: int) -> None:
    shape = SHAPES[name]
    decisions = plan(shape, bits=3, allocation="selective")
    blocks = {linear.block for linear in shape.linears if decisions[linear.name].kept}
    assert blocks == set(range(shape.blocks - kept, shape.blocks))
    assert stored_bits(shape, decisions) > stored_bits(shape, plan(shape, bits=3))
    chosen = plan(shape, bits=3, allocation="selective", protect=0)
    assert chosen == plan(shape, bits=3)


def test_an_untouched_linear_counts_the_bits_it_has_in_the_model() -> None:
    shape = SHAPES["pocket-like"]
    wide = shape.model_copy(update={"linears": tuple(each.model_copy(update={"width": 32}) for each in shape.linears)})
    decisions = plan(shape, bits=3, allocation="selective")
    kept = sum(each.rows * each.columns for each in shape.linears if decisions[each.name].kept)
    assert stored_bits(wide, decisions) - stored_bits(shape, decisions) == 16 * kept > 0


def test_bits_per_weight_of_the_seed_experiments_uniform() -> None:
    """Their 7B at 3 bits, rank 64, 4-bit factors, recounted: 3.359 with fp32 scales in groups of 128 columns."""
    shape = SHAPES["Qwen2-7B"]
    decisions = RtnSvd(RtnSvdParams(bits=3)).plan(shape)
    per_weight = stored_bits(shape, decisions) / shape.weights
    scales = sum(linear.rows * linear.columns / 128 for linear in shape.linears) * 16 / shape.weights
    assert per_weight + scales == pytest.approx(3.359, abs=0.02)  # ours are fp16: add the other half


def test_rtn_decides_the_full_signed_grid() -> None:
    decisions = Rtn(RtnParams(bits=3, group=32)).plan(SHAPES["stories"])
    assert set(decisions.values()) == {Decision(bits=3, group=32, grid="midtread")}


def test_kept_linears_are_not_compressed() -> None:
    decisions = {"a": Decision(bits=16), "b": Decision(bits=2)}
    weights = {name: torch.randn(8, 16) for name in decisions}
    for compressor in (Caldera(CalderaParams()), Rtn(RtnParams()), RtnSvd(RtnSvdParams())):
        assert set(compressor.compress_linears(weights, torch.eye(16), decisions)) == {"b"}


@pytest.mark.parametrize("wrong", [{"bits": 1}, {"bits": 9}, {"rank": -1}, {"factor_bits": 9}, {"protect": 1}])
def test_meaningless_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        CalderaParams(**wrong)  # type: ignore[arg-type]


def test_specs_and_plans_import_no_torch() -> None:
    code = """
import sys
from harness.contract import LinearShape, ModelShape
from harness_plugins.compressors import SPECS
assert not {"torch", "transformers", "numpy"} & set(sys.modules), "listing imported them"
from harness_plugins.compressors.caldera.budget import Budget
from harness_plugins.compressors.caldera.controls import RandomProtect, Uniform
from harness_plugins.compressors.caldera.params import BudgetParams, CalderaParams, RandomProtectParams, UniformParams
from harness_plugins.compressors.caldera.plugin import Caldera
from harness_plugins.compressors.caldera.rtn_svd import RtnSvd, RtnSvdParams
linear = LinearShape(name="q", kind="q", block=0, rows=8, columns=8, input_group="q")
shape = ModelShape(blocks=1, hidden=8, linears=(linear,))
for allocation in ("uniform", "ultra", "selective"):
    Caldera(CalderaParams(allocation=allocation)).plan(shape)
RtnSvd(RtnSvdParams()).plan(shape)
budget = Budget(BudgetParams(bpw=6))
budget.plan(shape)
Uniform(UniformParams(treatment="x"), budget).plan(shape)
RandomProtect(RandomProtectParams(treatment="x"), budget).plan(shape)
assert not {"torch", "transformers"} & set(sys.modules), "planning imported torch"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_either_end_is_protected_with_the_same_bits() -> None:
    shape = SHAPES["pocket-like"]

    def planned(where: str) -> dict[int, set[int]]:
        params = CalderaParams(bits=2, rank=0, allocation="selective", protect=2, protected_bits=4, where=where)  # type: ignore[arg-type]
        decisions = Caldera(params).plan(shape)
        sizes.append(stored_bits(shape, decisions))
        bits: dict[int, set[int]] = {}
        for linear in shape.linears:
            bits.setdefault(linear.block, set()).add(decisions[linear.name].bits)
        return bits

    sizes: list[int] = []
    last, first = planned("last"), planned("first")
    assert [bits for _, bits in sorted(last.items())] == [{2}] * (shape.blocks - 2) + [{4}] * 2
    assert [bits for _, bits in sorted(first.items())] == [{4}] * 2 + [{2}] * (shape.blocks - 2)
    assert sizes[0] == sizes[1]
    with pytest.raises(ValueError, match='need allocation = "selective"'):
        CalderaParams(where="first")
