"""Controls of equal size: the same bits everywhere, and the same decisions elsewhere."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from test_allocation import SHAPES

from harness.contract import Compressor, Decision, Decisions, LinearShape, ModelShape, Params
from harness.errors import PluginError, UsageError
from harness.planning.cells import Plan
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.compressors.caldera.allocation import stored_bits
from harness_plugins.compressors.caldera.budget import Budget
from harness_plugins.compressors.caldera.controls import RandomProtect, Uniform
from harness_plugins.compressors.caldera.params import BudgetParams, CalderaParams, RandomProtectParams, UniformParams
from harness_plugins.compressors.caldera.plugin import Caldera
from harness_plugins.compressors.caldera.rtn import Rtn, RtnParams


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(load_plugins())


def controlled() -> dict[str, Compressor]:
    return {
        "selective": Caldera(CalderaParams(bits=3, allocation="selective")),
        "ultra": Caldera(CalderaParams(bits=3, allocation="ultra", group=32)),
        "budget": Budget(BudgetParams(bpw=3.1)),
        "rtn": Rtn(RtnParams(bits=3)),
    }


def uniform_of(compressor: Compressor) -> Uniform:
    return Uniform(UniformParams(treatment="x"), compressor)


def shuffle_of(compressor: Compressor, seed: int) -> RandomProtect:
    return RandomProtect(RandomProtectParams(treatment="x", seed=seed), compressor)


def per_block(shape: ModelShape, decisions: Decisions) -> Counter[tuple[Decision, ...]]:
    """How often each sequence of decisions stands in a block."""
    return Counter(
        tuple(decisions[linear.name] for linear in shape.linears if linear.block == block)
        for block in range(shape.blocks)
    )


@pytest.mark.parametrize("kind", ["selective", "ultra", "budget"])
@pytest.mark.parametrize("name", ["pocket-like", "Qwen2-7B"])
def test_random_protect_stores_the_same_decisions_in_other_blocks(name: str, kind: str) -> None:
    shape, original = SHAPES[name], controlled()[kind]
    plan = original.plan(shape)
    draws = [shuffle_of(original, seed).plan(shape) for seed in range(1, 6)]
    assert {stored_bits(shape, draw) for draw in draws} == {stored_bits(shape, plan)}
    assert all(per_block(shape, draw) == per_block(shape, plan) for draw in draws)
    assert any(draw != plan for draw in draws)
    assert draws[0] == shuffle_of(original, 1).plan(shape)


@pytest.mark.parametrize("by", ["rows", "width"])
def test_blocks_of_unequal_shape_keep_their_own_decisions(by: str) -> None:
    rows_of, width_of = ((64, 64, 64, 64, 128), (16,) * 5) if by == "rows" else ((64,) * 5, (16, 16, 16, 16, 32))
    linears = [
        LinearShape(
            name=f"h.{block}.fc", kind="fc", block=block, rows=rows, columns=64, input_group=f"{block}", width=width
        )
        for block, (rows, width) in enumerate(zip(rows_of, width_of, strict=True))
    ]
    shape = ModelShape(blocks=5, hidden=64, linears=tuple(linears))
    plan = Caldera(CalderaParams(bits=3, allocation="selective")).plan(shape)
    for seed in range(5):
        draw = shuffle_of(Caldera(CalderaParams(bits=3, allocation="selective")), seed).plan(shape)
        assert draw["h.4.fc"] == plan["h.4.fc"] == Decision(bits=16)
        assert stored_bits(shape, draw) == stored_bits(shape, plan)


@pytest.mark.parametrize("kind", ["selective", "ultra", "budget", "rtn"])
@pytest.mark.parametrize("name", ["pocket-like", "stories", "Qwen2-7B"])
def test_uniform_fills_the_size_of_another(name: str, kind: str) -> None:
    shape, original = SHAPES[name], controlled()[kind]
    size, plan = stored_bits(shape, original.plan(shape)), uniform_of(original).plan(shape)
    used = stored_bits(shape, plan)
    assert used <= size
    assert {decision.bits for decision in plan.values()} == {max(decision.bits for decision in plan.values())}
    ranks = [plan[linear.name].rank for linear in shape.linears if plan[linear.name].rank < linear.rows]
    assert max(ranks) - min(ranks) <= 1
    cheapest = min(_one_rank_more(linear, plan[linear.name]) for linear in shape.linears)
    assert size - used < max(cheapest, max(_one_rank_more(linear, plan[linear.name]) for linear in shape.linears))


def _one_rank_more(linear: LinearShape, decision: Decision) -> int:
    more = decision.model_copy(update={"rank": decision.rank + 1, "factor_bits": 4})
    return more.stored_bits(linear.rows, linear.columns) - decision.stored_bits(linear.rows, linear.columns)


def test_uniform_differs_from_what_it_controls_in_nothing_but_the_decisions() -> None:
    original = Budget(BudgetParams(bpw=4, group=32, iterations=2))
    control = uniform_of(shuffle_of(original, 3))
    assert control.engine is original
    assert {decision.group for decision in control.plan(SHAPES["stories"]).values()} == {32}
    assert control.measures
    assert control.limit(SHAPES["stories"]) == original.limit(SHAPES["stories"])


def test_a_library_that_takes_the_whole_model_has_no_control() -> None:
    class Whole(Compressor):
        whole_model = True

    with pytest.raises(UsageError, match="whole model"):
        shuffle_of(Whole(Params()), 1)


# ------------------------------------------------------------------------------------------------------------- names


def test_a_control_is_written_around_the_name_of_what_it_controls(catalogue: Catalogue) -> None:
    found = catalogue.resolve("compressors", "random-protect@uniform@budget@2.5")
    assert [(one.preset, one.label) for one in found.chain] == [
        ("random-protect", "random-protect@uniform@budget@2.5"),
        ("uniform", "uniform@budget@2.5"),
        ("budget", "budget@2.5"),
    ]
    built = catalogue.build(found)
    assert isinstance(built, RandomProtect)
    assert isinstance(built.treatment, Uniform)
    assert isinstance(built.treatment.treatment, Budget)
    assert built.treatment.treatment.params.bpw == 2.5


def test_what_is_controlled_takes_its_own_parameters_and_enters_the_key(catalogue: Catalogue) -> None:
    plain = catalogue.resolve("compressors", "uniform@budget@2.5")
    told = catalogue.resolve("compressors", "uniform@budget@2.5", others={"budget@2.5": {"iterations": 3}})
    assert told.treatment is not None
    assert told.treatment.params["iterations"] == 3
    assert told.identity != plain.identity


def test_random_protect_is_five_arms_unless_a_seed_is_chosen(catalogue: Catalogue) -> None:
    label = "random-protect@selective3"
    arms = catalogue.arms("compressors", label)
    assert [(arm.label, arm.params["seed"], arm.draw_of) for arm in arms] == [
        (f"{label}#{seed}", seed, label) for seed in (1, 2, 3, 4, 5)
    ]
    assert len({str(arm.identity) for arm in arms}) == 5
    (one,) = catalogue.arms("compressors", label, {label: {"seed": 9}})
    assert (one.label, one.params["seed"], one.draw_of) == (label, 9, None)


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("random-protect", "treatment: Field required"),
        ("uniform@", "unknown compressor ''"),
        ("uniform@selectiv3", "unknown compressor 'selectiv3'"),
        ("random-protect@none", "nothing can be a control of it"),
        ("random-protect@uniform@none", "nothing can be a control of it"),
        ("random-protect@budget@many", "budget@many.bpw"),
        ("budget@-1", "greater than 0"),
        ("budget@0", "greater than 0"),
    ],
)
def test_a_control_of_nothing_is_an_error(catalogue: Catalogue, label: str, error: str) -> None:
    with pytest.raises((UsageError, PluginError)) as refused:
        catalogue.arms("compressors", label)
    assert error in refused.value.cause


def planned(catalogue: Catalogue, model: Path, text: Path, *names: str, **params: dict[str, object]) -> Plan:
    asked = {"model": (str(model),), "compressor": names, "tasks": (f"perplexity:{text}",), "params": params}
    return make_plan(Experiment.model_validate(asked), catalogue)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("A recipe for 4 people needs 250 g of flour. " * 20)
    return tmp_path / "text.txt"


def test_what_is_controlled_is_contrasted_with_its_controls(catalogue: Catalogue, tiny_qwen2: Path, text: Path) -> None:
    plan = planned(catalogue, tiny_qwen2, text, "uniform@budget@3", "random-protect@budget@3", "budget@3")
    labels = {cell.id: cell.compressor.label for cell in plan.cells}
    draws = [f"random-protect@budget@3#{seed}" for seed in range(1, 6)]
    assert list(labels.values()) == ["none", "uniform@budget@3", *draws, "budget@3"]
    assert [(labels[one.base], labels[one.other], one.factor) for one in plan.contrasts] == [
        ("none", "uniform@budget@3", "compressor"),
        ("none", "budget@3", "compressor"),
        ("uniform@budget@3", "budget@3", "control"),
        *((draw, "budget@3", "control") for draw in draws),
    ]
    assert {size.described for size in plan.sizes.values()} == {"≤3.000"}


def test_draws_whose_original_does_not_run_are_contrasted_with_the_baseline(
    catalogue: Catalogue, tiny_qwen2: Path, text: Path
) -> None:
    plan = planned(catalogue, tiny_qwen2, text, "random-protect@selective3")
    assert len({cell.compressed_key for cell in plan.cells}) == 6
    assert {(one.base, one.factor) for one in plan.contrasts} == {(plan.cells[0].id, "compressor")}
    assert len(plan.contrasts) == 5


def test_a_parameter_of_what_is_controlled_reaches_every_control(
    catalogue: Catalogue, tiny_qwen2: Path, text: Path
) -> None:
    names = ("selective3", "random-protect@selective3")
    plain = planned(catalogue, tiny_qwen2, text, *names)
    told = planned(catalogue, tiny_qwen2, text, *names, selective3={"protect": 2})
    keys = [{cell.compressed_key for cell in plan.cells if cell.compressed_key} for plan in (plain, told)]
    assert len(keys[0]) == len(keys[1]) == 6
    assert not keys[0] & keys[1]
    with pytest.raises(UsageError, match="does not select"):
        planned(catalogue, tiny_qwen2, text, *names, selective4={"protect": 2})
