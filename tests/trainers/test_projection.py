"""What a projection takes out, and that a routed run is vanilla until its quarantine is dropped."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.optimizer import Adam, ProjectedOptimizer
from harness_plugins.trainers.projection import chance, measure, overlap, positive_part, split


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def orthonormal(k: int, r: int, seed: int = 0) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(r, k, generator=generator(seed)))[0].T.contiguous()


V = {"a": torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])}
D = {"a": torch.tensor([3.0, -4.0, 12.0])}  # length 13


@pytest.mark.parametrize(
    ("gate", "kept", "cos_out"),
    [
        ("one_sided", [0.0, -4.0, 12.0], 0.0),
        ("no_gate", [0.0, 0.0, 12.0], 0.0),
        ("reverse", [-3.0, 4.0, 12.0], 4 / 13),
    ],
)
def test_the_gates_by_hand(gate, kept, cos_out):
    parts = split(D, V, gate)
    torch.testing.assert_close(parts.kept["a"], torch.tensor(kept))
    torch.testing.assert_close(parts.kept["a"] + parts.removed["a"], D["a"])
    assert parts.cos_in == pytest.approx(3 / 13)
    assert parts.cos_out == pytest.approx(cos_out)
    assert parts.fired == 1.0


def test_magnitude_is_preserved_on_request():
    kept = split(D, V, "one_sided", preserve_magnitude=True).kept["a"]
    assert kept.norm() == pytest.approx(13)
    torch.testing.assert_close(kept / kept.norm(), torch.tensor([0.0, -4.0, 12.0]) / math.sqrt(160))


def test_no_positive_component_is_left_on_any_axis():
    v = {"a": orthonormal(5, 40)}
    kept = split({"a": torch.randn(40, generator=generator(1))}, v).kept["a"]
    assert (v["a"] @ kept).max() < 1e-6


def test_modules_without_directions_pass_whole_and_do_not_count():
    parts = split({"a": D["a"], "b": torch.ones(2), "c": torch.ones(3)}, {**V, "c": torch.zeros(0, 3)})
    assert torch.equal(parts.kept["b"], torch.ones(2))
    assert torch.equal(parts.kept["c"], torch.ones(3))
    assert parts.cos_in == pytest.approx(3 / 13)
    assert math.isnan(split({"b": torch.ones(2)}, {}).cos_in)


def test_a_zero_direction_and_one_away_from_the_hack_do_not_fire():
    assert split({"a": torch.zeros(3)}, V).fired == 0.0
    assert split({"a": torch.tensor([-1.0, -1.0, 0.0])}, V).fired == 0.0
    assert positive_part(torch.zeros(3), V["a"]) == 0.0


def test_micro_batches_must_not_be_projected_one_by_one():
    v, parts = torch.tensor([[1.0, 0.0]]), [torch.tensor([2.0, 1.0]), torch.tensor([-2.0, 1.0])]
    together = split({"a": parts[0] + parts[1]}, {"a": v}).kept["a"]
    apart = sum(split({"a": part}, {"a": v}).kept["a"] for part in parts)
    assert not torch.equal(together, apart)


def test_random_directions_measure_what_chance_says():
    v = {"a": orthonormal(4, 200)}
    seen = [measure({"a": torch.randn(200, generator=generator(seed))}, v) for seed in range(600)]
    assert math.sqrt(sum(cosine**2 for cosine in seen) / len(seen)) == pytest.approx(chance(v), rel=0.1)


def test_overlap_is_one_for_the_same_subspace_and_small_for_another():
    v = {"a": orthonormal(3, 100)}
    assert overlap(v, v) == pytest.approx(1.0, abs=1e-5)
    assert overlap(v, {"a": orthonormal(3, 100, seed=9)}) < 0.4
    assert math.isnan(overlap(v, {}))


# ----------------------------------------------------------------------------------------------------------- optimiser


def test_adam_is_torchs():
    parameter = nn.Parameter(torch.zeros(6))
    theirs = torch.optim.Adam([parameter], lr=0.1, betas=(0.5, 0.9))
    ours, x = Adam((0.5, 0.9)), torch.zeros(6)
    for step in range(5):
        g = torch.randn(6, generator=generator(step))
        parameter.grad = g.clone()
        theirs.step()
        x = x - 0.1 * ours.directions({"x": g})["x"]
    torch.testing.assert_close(x, parameter.detach(), atol=1e-6, rtol=1e-5)


class Net(nn.Module):
    """Two Linears under names that adapters look for, and a loss whose gradient depends on where training has got to."""

    def __init__(self) -> None:
        super().__init__()
        self.up_proj, self.down_proj = nn.Linear(8, 12), nn.Linear(12, 4)
        for number, parameter in enumerate(self.parameters()):
            parameter.data.copy_(0.5 * torch.randn(parameter.shape, generator=generator(number)))

    def loss(self, step: int) -> torch.Tensor:
        x = torch.randn(16, 8, generator=generator(100 + step))
        return (self.down_proj(self.up_proj(x).tanh()) - x[:, :4]).square().mean()


def trained(arm: str, space: str = "update", kind: str = "svd", steps: int = 25, clip: float | None = 0.1) -> Adapter:
    adapter = Adapter(Net(), kind, rank=3)
    v = {name: orthonormal(3, module.main.numel()) for name, module in adapter.modules.items()}
    optimizer = ProjectedOptimizer(adapter, arm, space=space, betas=(0.5, 0.9), clip=clip)
    for step in range(steps):
        adapter.zero_gradients()
        adapter.model.loss(step).backward()
        optimizer.step(adapter.gradients(), v, rate=0.05)
    return adapter


def total(adapter: Adapter) -> torch.Tensor:
    return torch.cat([(module.main + module.quarantine).detach().flatten() for module in adapter.modules.values()])


def quarantined(adapter: Adapter) -> torch.Tensor:
    return torch.cat([module.quarantine.flatten() for module in adapter.modules.values()])


@pytest.mark.parametrize("kind", ["svd", "lora"])
def test_route_with_its_quarantine_kept_is_vanilla(kind):
    vanilla, route = trained("measure", kind=kind), trained("route", kind=kind)
    torch.testing.assert_close(total(route), total(vanilla), atol=1e-5, rtol=1e-4)
    assert quarantined(route).norm() > 0.1 * total(vanilla).norm()
    assert quarantined(vanilla).norm() == 0


def test_in_gradient_space_route_is_another_optimiser():
    vanilla, route = trained("measure"), trained("route", space="gradient")
    assert (total(route) - total(vanilla)).norm() > 0.1 * total(vanilla).norm()


@pytest.mark.parametrize("space", ["update", "gradient"])
def test_erase_drops_what_route_would_have_kept(space):
    vanilla, erase = trained("measure"), trained("erase", space)
    assert quarantined(erase).norm() == 0
    assert (total(erase) - total(vanilla)).norm() > 0.01


def test_route_and_erase_part_with_the_same_first_step():
    route, erase = trained("route", steps=1), trained("erase", steps=1)
    for name, module in route.modules.items():
        assert torch.equal(module.main, erase.modules[name].main)


def test_measuring_is_not_projecting_in_either_space():
    assert torch.equal(total(trained("measure")), total(trained("measure", space="gradient")))
