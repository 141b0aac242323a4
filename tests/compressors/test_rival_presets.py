"""GPTQ, LQER and the servable ones as settings of the one engine, under their preset names."""

from __future__ import annotations

import pytest
import torch
from test_allocation import SHAPES

from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.compressors.caldera.allocation import stored_bits
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.plugin import Caldera


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(load_plugins())


def preset(catalogue: Catalogue, name: str) -> Caldera:
    built = catalogue.build(catalogue.resolve("compressors", name))
    assert isinstance(built, Caldera)
    return built


def group() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """A weight and the second moments of a strongly correlated input."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(600, 96, generator=generator) @ torch.randn(96, 96, generator=generator)
    return {"w": torch.randn(80, 96, generator=generator)}, x.T @ x / 600


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_gptq_is_codes_alone_and_better_than_rounding(catalogue: Catalogue, bits: int) -> None:
    weights, hessian = group()
    plan = preset(catalogue, f"gptq{bits}").plan(SHAPES["pocket-like"])
    assert {(decision.bits, decision.rank) for decision in plan.values()} == {(bits, 0)}
    decision = next(iter(plan.values()))
    gptq = preset(catalogue, f"gptq{bits}").compress_linears(weights, hessian, {"w": decision})["w"]
    grid = Grid(bits, decision.group, decision.grid)
    nearest = grid.nearest(weights["w"], grid.search_scales(weights["w"]))
    errors = [
        float(((d := weights["w"] - what) @ hessian * d).sum()) for what in (gptq.dequantize(), nearest.dequantize())
    ]
    assert gptq.left is None
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize("label", ["servable4", "budget-servable@5"])
def test_servable_presets_plan_what_fused_kernels_and_adapters_take(catalogue: Catalogue, label: str) -> None:
    shape = SHAPES["Qwen2-7B"]
    plan = catalogue.build(catalogue.resolve("compressors", label)).plan(shape)
    assert {decision.bits for decision in plan.values()} <= {4, 8}
    assert {decision.rank for decision in plan.values()} <= {0, 16}
    assert {(decision.grid, decision.rotate) for decision in plan.values()} == {("midtread", False)}
    schemes: dict[str, set[tuple[int, int]]] = {}
    for linear in shape.linears:
        decision = plan[linear.name]
        schemes.setdefault(linear.input_group, set()).add((decision.bits, decision.group))
    assert all(len(found) == 1 for found in schemes.values())
    assert stored_bits(shape, plan) <= 5 * shape.weights


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_lqer_rounds_to_nearest_once_and_stores_what_uniform_stores(catalogue: Catalogue, bits: int) -> None:
    shape = SHAPES["pocket-like"]
    lqer, uniform = preset(catalogue, f"lqer{bits}"), preset(catalogue, f"uniform{bits}")
    plan = lqer.plan(shape)
    assert stored_bits(shape, plan) == stored_bits(shape, uniform.plan(shape))
    weights, hessian = group()
    decision = next(iter(plan.values()))
    found = lqer.compress_linears(weights, hessian, {"w": decision})["w"]
    assert len(found.trace) == 2  # one rounding, one low-rank fit
    assert found.trace[1] < found.trace[0]
    grid = Grid(bits, decision.group, decision.grid)
    assert torch.equal(
        found.q.codes, grid.nearest(weights["w"], grid.absmax_scales(weights["w"], symmetric=False)).codes
    )
    full = uniform.compress_linears(weights, hessian, {"w": decision})["w"]
    assert full.error is not None
    assert found.error is not None
    assert full.error < found.error
