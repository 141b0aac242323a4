"""An adapter changes nothing until it is trained, and then what it says."""

from __future__ import annotations

import pytest
import torch

from harness.errors import ModelError, UsageError
from harness.models.load import load
from harness_plugins.trainers.adapters.adapter import TARGETS, Adapter
from harness_plugins.trainers.adapters.svd import SvdLinear, singular_basis

KINDS = ("svd", "lora")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def loaded(tiny_qwen2):
    return load(tiny_qwen2, device="cpu")


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.arange(24).reshape(2, 12)).logits


def randomise(adapter: Adapter, scale: float = 0.05) -> None:
    generator = torch.Generator().manual_seed(1)
    for module in adapter.modules.values():
        for part in (module.main, module.quarantine):
            part.data.copy_(scale * torch.randn(part.shape, generator=generator))


@pytest.mark.parametrize("kind", KINDS)
def test_every_projection_is_adapted_and_zero_is_bit_identical(loaded, kind):
    before = logits(loaded.model)
    adapter = Adapter(loaded.model, kind)
    assert len(adapter.modules) == 3 * len(TARGETS)
    assert torch.equal(logits(loaded.model), before)
    with adapter.merged_weights():
        assert torch.allclose(logits(loaded.model), before, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_folded_unfolded_and_merged_agree(loaded, kind):
    base = logits(loaded.model)
    adapter = Adapter(loaded.model, kind)
    randomise(adapter)
    kept = logits(loaded.model)
    assert (kept - base).abs().max() > 0.01
    with adapter.merged_weights():
        torch.testing.assert_close(logits(loaded.model), kept, atol=2e-4, rtol=1e-4)
    assert torch.equal(logits(loaded.model), kept)  # nothing is left of the folding
    with adapter.reference():
        assert torch.equal(logits(loaded.model), base)
    with adapter.ablated():
        ablated = logits(loaded.model)
    assert torch.equal(logits(loaded.model), kept)
    assert (ablated - kept).abs().max() > 0.01
    model = adapter.merge(quarantine=False)
    assert not any("main" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(logits(model), ablated, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_merging_with_the_quarantine_is_what_training_saw(loaded, kind):
    adapter = Adapter(loaded.model, kind)
    randomise(adapter)
    kept = logits(loaded.model)
    torch.testing.assert_close(logits(adapter.merge(quarantine=True)), kept, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_main_coordinates_have_gradients_and_they_are_the_deltas(loaded, kind):
    """dL/dδ = <dL/dW, dΔ/dδ>: the gradient in the adapter's basis is the weight's, read there."""
    adapter = Adapter(loaded.model, kind)
    ids = torch.arange(24).reshape(2, 12)
    name, module = next(iter(adapter.modules.items()))
    module.base.weight.requires_grad_(True)
    loaded.model(input_ids=ids, labels=ids).loss.backward()
    gradient = module.base.weight.grad  # (m, n)
    in_singular_basis = kind == "svd" and (module.u.T @ gradient * module.vt).sum(dim=1)  # (r, n) -> (r,)
    expected = in_singular_basis if kind == "svd" else (gradient @ module.a.T).flatten()  # (m, rank) -> (m·rank,)
    torch.testing.assert_close(adapter.gradients()[name], expected, atol=1e-5, rtol=1e-3)
    assert expected.norm() > 0
    assert all(module.quarantine.grad is None for module in adapter.modules.values())
    adapter.zero_gradients()
    assert adapter.gradients()[name].norm() == 0


def test_many_rows_are_folded_and_few_are_not_with_the_same_gradients(loaded, monkeypatch):
    adapter = Adapter(loaded.model, "svd")
    randomise(adapter)
    ids = torch.arange(384).reshape(8, 48) % 300

    def gradients() -> tuple[torch.Tensor, torch.Tensor]:
        adapter.zero_gradients()
        loss = loaded.model(input_ids=ids, labels=ids).loss
        loss.backward()
        return loss.detach(), torch.cat(list(adapter.gradients().values()))

    assert SvdLinear.merging_is_cheaper(next(iter(adapter.modules.values())), ids.numel())
    folded_loss, folded = gradients()
    monkeypatch.setattr(SvdLinear, "merging_is_cheaper", lambda self, rows: False)
    loss, plain = gradients()
    torch.testing.assert_close(folded_loss, loss, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(folded, plain, atol=1e-5, rtol=1e-3)
    assert plain.norm() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded(tiny_qwen2, tmp_path, kind):
    first = load(tiny_qwen2, device="cpu")
    adapter = Adapter(first.model, kind, seed=1)
    randomise(adapter)
    adapter.save(tmp_path / "adapter.safetensors")
    second = load(tiny_qwen2, device="cpu")
    again = Adapter(second.model, kind, seed=2)
    again.load(tmp_path / "adapter.safetensors")
    assert torch.equal(logits(first.model), logits(second.model))
    other = Adapter(load(tiny_qwen2, device="cpu").model, "lora" if kind == "svd" else "svd")
    with pytest.raises(ModelError, match="not of this model"):
        other.load(tmp_path / "adapter.safetensors")


def test_the_basis_is_the_weights_own_and_cached(tmp_path):
    weight = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    u, vt = singular_basis(weight)
    torch.testing.assert_close(u @ torch.diag(torch.linalg.svdvals(weight)) @ vt, weight, atol=1e-5, rtol=1e-4)
    files = list((tmp_path / "cache" / "svd").iterdir())
    assert len(files) == 1
    again = singular_basis(weight.clone())
    assert torch.equal(u, again[0])
    assert torch.equal(vt, again[1])
    singular_basis(weight + 1e-3)
    assert len(list((tmp_path / "cache" / "svd").iterdir())) == 2


def test_the_basis_of_lora_is_orthonormal(loaded):
    adapter = Adapter(loaded.model, "lora", rank=8)
    for module in adapter.modules.values():
        torch.testing.assert_close(module.a @ module.a.T, torch.eye(8), atol=1e-5, rtol=0)


def test_a_model_without_projections_is_refused():
    with pytest.raises(UsageError, match="no Linear to adapt"):
        Adapter(torch.nn.Sequential(torch.nn.Linear(2, 2)))
