from __future__ import annotations

import re
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_allocation import SHAPES

from harness.contract import Decision, Decisions, ModelShape
from harness.errors import UsageError
from harness_plugins.compressors.caldera.allocation import stored_bits
from harness_plugins.compressors.caldera.budget import Budget, Measurement, reweighted
from harness_plugins.compressors.caldera.knapsack import Option, lower_hull, solve
from harness_plugins.compressors.caldera.params import BudgetParams

options = st.lists(st.builds(Option, cost=st.integers(1, 40), loss=st.floats(0, 100)), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(items=st.lists(options, min_size=1, max_size=5), budget=st.integers(1, 150))
def test_the_knapsack_is_optimal_on_small_problems(items: list[list[Option]], budget: int) -> None:
    feasible = [
        sum(option.loss for option in chosen)
        for chosen in product(*items)
        if sum(option.cost for option in chosen) <= budget
    ]
    solution = solve(items, budget)
    if not feasible:
        assert solution is None
        return
    assert solution is not None
    picked = [choices[i] for choices, i in zip(items, solution, strict=True)]
    assert sum(option.cost for option in picked) <= budget
    assert sum(option.loss for option in picked) == pytest.approx(min(feasible))


def test_the_hull_drops_what_a_mixture_beats() -> None:
    points = [Option(1, 10.0), Option(2, 9.0), Option(3, 2.0), Option(4, 3.0), Option(5, 0.0)]
    assert lower_hull(points) == [0, 2, 4]


def bits_per_weight(shape: ModelShape, decisions: Decisions) -> float:
    return stored_bits(shape, decisions) / shape.weights


@pytest.mark.parametrize("name", ["pocket-like", "stories", "Qwen2-7B"])
@pytest.mark.parametrize("bpw", [2.5, 3.35, 4.6])
def test_a_budget_is_met_and_never_exceeded(name: str, bpw: float) -> None:
    shape = SHAPES[name]
    used = bits_per_weight(shape, Budget(BudgetParams(bpw=bpw)).plan(shape))
    assert bpw - 0.1 < used <= bpw


def test_a_size_in_bytes_is_that_of_the_files() -> None:
    shape = SHAPES["stories"].model_copy(update={"overhead": 30_000})
    decisions = Budget(BudgetParams(size="110kB")).plan(shape)  # type: ignore[arg-type]
    assert 79_000 * 8 < stored_bits(shape, decisions) <= 80_000 * 8


@pytest.mark.parametrize(
    ("params", "remedy"),
    [
        ({}, "give it as budget@3.35"),
        ({"bpw": 3.0, "size": 1000}, "give it as budget@3.35"),
        ({"bpw": 1.0}, "ask for 2.26 bpw or more"),
        ({"size": 30_001}, r"bytes or more \(30,000 of them for what stays as it is\)"),
    ],
)
def test_an_impossible_budget_says_what_is_possible(params: dict[str, float], remedy: str) -> None:
    shape = SHAPES["stories"].model_copy(update={"overhead": 30_000})
    with pytest.raises(UsageError) as refused:
        Budget(BudgetParams(**params)).plan(shape)  # type: ignore[arg-type]
    assert re.search(remedy, refused.value.remedy or "")


def test_any_width_that_can_be_stored_may_be_offered() -> None:
    shape = SHAPES["stories"]
    for widths in ((2, 3, 4, 5, 6, 7, 8, 16), (7,), (16, 2)):
        used = bits_per_weight(shape, Budget(BudgetParams(bpw=9, widths=widths)).plan(shape))  # type: ignore[arg-type]
        assert used <= 9


def test_what_is_said_to_be_possible_is() -> None:
    shape = SHAPES["stories"]
    with pytest.raises(UsageError) as refused:
        Budget(BudgetParams(bpw=1.0)).plan(shape)
    least = float(re.findall(r"[\d.]+", refused.value.remedy or "")[0])
    assert bits_per_weight(shape, Budget(BudgetParams(bpw=least)).plan(shape)) <= least


def test_bits_go_where_the_measured_error_is() -> None:
    shape = SHAPES["stories"]
    budget = Budget(BudgetParams(bpw=3.3))
    measured = {
        linear.name: [
            Measurement(decision=option, error=2 ** (-1.8 * option.bits)) for option in budget.options(linear, 64)
        ]
        for linear in shape.linears
    }
    sensitivity = {linear.name: 100.0 if linear.block == 2 else 1.0 for linear in shape.linears}
    decisions = budget.plan(shape, reweighted(measured, sensitivity))
    mean = {
        block: sum(decisions[linear.name].bits for linear in shape.linears if linear.block == block)
        for block in range(shape.blocks)
    }
    assert mean[2] > max(bits for block, bits in mean.items() if block != 2)
    assert all(decision.rank == 0 for decision in decisions.values())  # rank bought nothing here


def test_tied_linears_share_a_decision() -> None:
    shape = SHAPES["stories"]
    decisions = Budget(BudgetParams(bpw=3.35, tied=True)).plan(shape)
    by_group: dict[str, set[tuple[int, int]]] = {}
    for linear in shape.linears:
        decision = decisions[linear.name]
        by_group.setdefault(linear.input_group, set()).add((decision.bits, decision.rank))
    assert all(len(choices) == 1 for choices in by_group.values())


def test_measured_errors_are_those_of_the_compressed_weight() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 24, generator=generator) * 3  # not normalised: the table is in output units
    hessian = x.T @ x / 200
    weights = {"q": torch.randn(16, 24, generator=generator), "k": torch.randn(8, 24, generator=generator)}
    listed = [Decision(bits=2), Decision(bits=4), Decision(bits=2, rank=4, factor_bits=4), Decision(bits=16)]
    measured = Budget(BudgetParams(bpw=3)).measure_linears(weights, hessian, dict.fromkeys(weights, listed))
    for entries in measured.values():
        two, four, ranked, kept = (entry.error for entry in entries)
        assert two > ranked > 0
        assert two > 4 * four
        assert kept == 0
    output = (x @ weights["q"].T).square().sum() / 200
    assert measured["q"][0].error < 0.2 * float(output)
