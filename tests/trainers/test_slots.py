"""The adapter of rank-one slots: what it computes, who learns in which mode, and what a reset leaves."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from harness.models.load import load
from harness_plugins.trainers.adapters.adapter import TARGETS, Adapter
from harness_plugins.trainers.adapters.slots import Seed, SlotLinear
from harness_plugins.trainers.deployment import merge_coordinates

M, N, R = 6, 8, 2


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def slots(weight: torch.Tensor | None = None, half: str = "quarantine", moved: float = 0.0) -> SlotLinear:
    """A planted module of R slots in each half, its coordinates random of this size."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(M, N, generator=generator) if weight is None else weight
    base = nn.Linear(weight.shape[1], weight.shape[0])
    base.weight.data.copy_(weight)
    module = SlotLinear(base, R)
    into = F.normalize(torch.randn(weight.shape[1], generator=generator), dim=0)
    module.plant(Seed(into, F.normalize(weight @ into, dim=0)), half)
    for part in (module.main, module.quarantine):
        part.data.copy_(moved * torch.randn(part.shape, generator=generator))
        part.requires_grad_(True)
    return module


def factors(module: SlotLinear) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A (2r, n), B (m, 2r), A₀, B₀."""
    n = module.base.in_features
    moved = torch.cat([module.main, module.quarantine]).detach()  # (2r, n + m)
    return module.a0 + moved[:, :n], (module.b0 + moved[:, n:]).T, module.a0, module.b0.T


@pytest.mark.parametrize("mode", ["keep", "absorb", "route"])
def test_at_the_start_nothing_changes_not_by_a_bit(mode):
    module, x = slots(), torch.randn(3, 4, N)
    module.mode = mode
    assert torch.equal(module(x), module.base(x))
    for quarantine in (True, False):
        assert torch.equal(module.merged(quarantine=quarantine), module.base.weight)


def test_every_projection_of_a_model_starts_as_it_was(tiny_qwen2):
    model, ids = load(tiny_qwen2, device="cpu").model, torch.arange(24).reshape(2, 12)
    with torch.no_grad():
        before = model(input_ids=ids).logits
        adapter = Adapter(model, "slots", rank=4)
        assert len(adapter.modules) == 3 * len(TARGETS)
        assert torch.equal(model(input_ids=ids).logits, before)


def test_the_forward_pass_is_the_definition():
    """y = W x + c + B (A x) − B₀ (A₀ x), folded and unfolded; keep leaves the quarantine's slots out."""
    module, x = slots(moved=0.3), torch.randn(3, 4, N)
    a, b, a0, b0 = factors(module)
    whole = module.base(x) + x @ a.T @ b.T - x @ a0.T @ b0.T
    torch.testing.assert_close(module(x), whole, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        F.linear(x, module.merged(quarantine=True), module.base.bias), whole, atol=1e-5, rtol=1e-4
    )
    deployed = module.base(x) + x @ a[:R].T @ b[:, :R].T - x @ a0[:R].T @ b0[:, :R].T
    module.mode = "keep"
    torch.testing.assert_close(module(x), deployed, atol=1e-5, rtol=1e-4)
    folded = F.linear(x, module.merged(quarantine=False), module.base.bias)
    torch.testing.assert_close(folded, deployed, atol=1e-5, rtol=1e-4)
    assert (whole - deployed).abs().max() > 0.1


def learnt(module: SlotLinear, mode: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of main and quarantine; zero where autograd has none."""
    module.main.grad = module.quarantine.grad = None
    module.mode = mode
    module(x).square().sum().backward()
    found = [torch.zeros_like(part) if part.grad is None else part.grad for part in (module.main, module.quarantine)]
    return found[0], found[1]


@pytest.mark.parametrize("moved", [0.0, 0.3])  # at the very start as well: neither A₀ nor B₀ is zero
def test_keep_teaches_the_deployed_route_the_quarantine_and_absorb_both(moved):
    module, x = slots(moved=moved), torch.randn(5, N)
    kept, absorbed, routed = (learnt(module, mode, x) for mode in ("keep", "absorb", "route"))
    assert kept[0].abs().min() > 0
    assert not kept[1].any()
    assert min(absorbed[0].abs().min(), absorbed[1].abs().min()) > 0
    assert not routed[0].any()
    assert torch.equal(routed[1], absorbed[1])


def test_a_routed_row_says_what_an_absorbed_one_says():
    module, x = slots(moved=0.3), torch.randn(5, N)
    absorbed = module(x)
    module.mode = "route"
    assert torch.equal(module(x), absorbed)


def test_a_route_through_two_layers_teaches_the_quarantines_what_absorbing_does():
    """The first one reaches the loss through the deployed slots of the second, too."""
    first, second = slots(moved=0.3), slots(torch.randn(N, M, generator=torch.Generator().manual_seed(5)), moved=0.3)
    x, found = torch.randn(5, N), {}
    for mode in ("absorb", "route"):
        for module in (first, second):
            module.mode, module.quarantine.grad, module.main.grad = mode, None, None
        second(first(x)).square().sum().backward()
        found[mode] = (first.quarantine.grad, second.quarantine.grad)
    assert first.main.grad is None
    assert second.main.grad is None
    for absorbed, routed in zip(found["absorb"], found["route"], strict=True):
        torch.testing.assert_close(routed, absorbed)


def test_the_reset_leaves_the_deployed_slots_and_not_a_hole():
    """W + B_d A_d − B₀_d A₀_d. With the quarantine's slots zeroed instead, W would lose their B₀ A₀."""
    module = slots(moved=0.3)
    a, b, a0, b0 = factors(module)
    module.requires_grad_(False)
    module.settle(0.0)
    found = module.merged(quarantine=True)
    expected = module.base.weight + b[:, :R] @ a[:R] - b0[:, :R] @ a0[:R]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(found, module.merged(quarantine=False))
    zeroed = module.base.weight + b[:, :R] @ a[:R] - b0 @ a0
    torch.testing.assert_close(found - zeroed, b0[:, R:] @ a0[R:], atol=1e-5, rtol=1e-4)
    assert (found - zeroed).norm() > 1


def test_deployments_reset_keep_and_shrink(tiny_qwen2):
    def merged(deploy: str, shrink: float = 1.0, forget: float = 1.0) -> tuple[torch.Tensor, ...]:
        """One weight as deployed, and by its three names."""
        adapter = Adapter(load(tiny_qwen2, device="cpu").model, "slots", rank=4)
        generator = torch.Generator().manual_seed(1)
        for module in adapter.modules.values():
            for part in (module.main, module.quarantine):
                part.data.copy_(0.05 * torch.randn(part.shape, generator=generator))
        one = next(iter(adapter.modules.values()))
        named = one.merged(quarantine=True), one.merged(quarantine=False), one.base.weight
        kept, reset, base = (weight.detach().clone() for weight in named)
        merge_coordinates(adapter, deploy, shrink, seed=0, forget=forget)
        adapter.merge(quarantine=True)
        return one.base.weight.detach(), kept, reset, base

    deployed, kept, reset, base = merged("ablated")
    assert (kept - reset).abs().max() > 1e-3
    torch.testing.assert_close(deployed, reset)
    torch.testing.assert_close(merged("kept")[0], kept)
    torch.testing.assert_close(merged("ablated", forget=0.0)[0], kept)
    torch.testing.assert_close(merged("kept", shrink=0.0)[0], base)


def test_slots_start_at_the_seed_and_at_the_leading_singular_vectors_apart_from_it():
    weight = torch.diag(torch.tensor([6.0, 5, 4, 3, 2, 1]))  # its singular vectors are the axes
    base = nn.Linear(6, 6)
    base.weight.data.copy_(weight)
    module = SlotLinear(base, R)
    into = torch.tensor([0, 0, 0, 0, 0.6, 0.8])
    module.plant(Seed(into, F.normalize(weight @ into, dim=0)), "quarantine")
    assert torch.equal(module.a0[R], into)
    torch.testing.assert_close(module.b0[R], torch.tensor([0, 0, 0, 0, 1.2, 0.8]) / (1.2**2 + 0.8**2) ** 0.5)
    others = [place for place in range(2 * R) if place != R]
    leading = module.a0[others].abs().argmax(dim=1)
    assert sorted(leading.tolist()) == [0, 1, 2]
    torch.testing.assert_close(module.a0[others].abs(), torch.eye(6)[leading], atol=1e-6, rtol=0)
    torch.testing.assert_close(module.b0[others].abs(), torch.eye(6)[leading], atol=1e-6, rtol=0)
    assert {int(row.abs().argmax()) for row in module.a0[:R]} == {0, 1}  # the strongest are deployed


def test_all_other_slots_are_unit_vectors_at_right_angles_to_the_seed():
    module = slots()
    for start in (module.a0, module.b0):
        seed, others = start[R], start[[0, 1, 3]]
        torch.testing.assert_close(start.norm(dim=1), torch.ones(2 * R))
        assert (others @ seed).abs().max() < 1e-6


def test_the_reversed_control_differs_in_the_seeds_place_alone():
    forward, backward = slots(half="quarantine"), slots(half="deployed")
    exchanged = [R, 1, 0, 3]
    assert torch.equal(forward.a0[exchanged], backward.a0)
    assert torch.equal(forward.b0[exchanged], backward.b0)
    assert not torch.equal(forward.a0, backward.a0)


def test_weights_decay_towards_their_start(tiny_qwen2):
    adapter = Adapter(load(tiny_qwen2, device="cpu").model, "slots", rank=4)
    still = {name: torch.zeros(module.main.numel()) for name, module in adapter.modules.items()}
    module = next(iter(adapter.modules.values()))
    for part in (module.main, module.quarantine):
        part.data.fill_(0.4)
    adapter.descend(0.5, still, still, decay=0.5)
    for part in (module.main, module.quarantine):
        torch.testing.assert_close(part, torch.full_like(part, 0.3))


def test_what_was_planted_is_saved_and_loaded(tiny_qwen2, tmp_path):
    first, second = (Adapter(load(tiny_qwen2, device="cpu").model, "slots", rank=4) for _ in range(2))
    for module in first.modules.values():
        into = F.normalize(torch.randn(module.base.in_features), dim=0)
        module.plant(Seed(into, F.normalize(module.base.weight @ into, dim=0).detach()), "quarantine")
        module.main.data.normal_(std=0.05)
    first.save(tmp_path / "adapter.safetensors")
    second.load(tmp_path / "adapter.safetensors")
    for name, module in first.modules.items():
        assert torch.equal(module.merged(quarantine=True), second.modules[name].merged(quarantine=True))
        assert torch.equal(module.a0, second.modules[name].a0)
