"""What of a trained policy is deployed: without training again, and without an effect on the training's key."""

from __future__ import annotations

import pytest
import torch

from harness.contract import TrainContext
from harness.errors import UsageError
from harness.models.load import load
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.adapters.peft_export import export_peft
from harness_plugins.trainers.deployment import merge_coordinates
from harness_plugins.trainers.grpo import ADAPTER, Grpo
from harness_plugins.trainers.spec import GrpoParams


@pytest.fixture
def adapter(tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def make(kind: str = "svd") -> Adapter:
        adapter = Adapter(load(tiny_qwen2, device="cpu").model, kind, rank=8)
        generator = torch.Generator().manual_seed(1)
        for module in adapter.modules.values():
            module.main.copy_(0.05 * torch.randn(module.main.shape, generator=generator))
            module.quarantine.copy_(0.02 * torch.randn(module.main.shape, generator=generator))
        return adapter

    with torch.no_grad():
        yield make


def coordinates(adapter: Adapter) -> dict[str, torch.Tensor]:
    assert all(not module.quarantine.any() for module in adapter.modules.values())
    return {name: module.main.clone() for name, module in adapter.modules.items()}


def test_ablated_kept_and_shrunk(adapter):
    before = {name: (m.main.clone(), m.quarantine.clone()) for name, m in adapter().modules.items()}
    for deploy, forget, shrink, expected in (
        ("ablated", 1.0, 1.0, lambda main, aside: main),
        ("ablated", 0.25, 1.0, lambda main, aside: main + 0.75 * aside),
        ("kept", 1.0, 1.0, lambda main, aside: main + aside),
        ("kept", 1.0, 0.5, lambda main, aside: (main + aside) * 0.5),
        ("ablated", 1.0, 0.0, lambda main, aside: main * 0),
    ):
        settled = adapter()
        merge_coordinates(settled, deploy, shrink, seed=0, forget=forget)
        for name, vector in coordinates(settled).items():
            torch.testing.assert_close(vector, expected(*before[name]))


def test_a_random_ablation_drops_as_much_of_every_module_elsewhere(adapter):
    whole = {name: (m.main + m.quarantine, m.quarantine.clone()) for name, m in adapter().modules.items()}
    one, again, other = adapter(), adapter(), adapter()
    for settled, seed in ((one, 3), (again, 3), (other, 4)):
        merge_coordinates(settled, "random_ablation", 1.0, seed)
    for name, vector in coordinates(one).items():
        kept, aside = whole[name]
        dropped = kept - vector
        torch.testing.assert_close(dropped.norm(), aside.norm(), rtol=1e-4, atol=1e-6)
        assert abs(torch.cosine_similarity(dropped, aside, dim=0)) < 0.6
        assert torch.equal(vector, again.modules[name].main)
        assert not torch.equal(vector, other.modules[name].main)


def test_peft_reads_the_lora_adapter(adapter, tiny_qwen2, tmp_path):
    peft = pytest.importorskip("peft")
    ours = adapter("lora")
    merge_coordinates(ours, "kept", 1.0, seed=0)
    export_peft(ours, tmp_path / "peft")
    theirs = peft.PeftModel.from_pretrained(load(tiny_qwen2, device="cpu").model, str(tmp_path / "peft"))
    ids = torch.arange(24).reshape(2, 12)
    plain = load(tiny_qwen2, device="cpu").model(input_ids=ids).logits
    expected = ours.model(input_ids=ids).logits
    assert (expected - plain).abs().max() > 0.01
    torch.testing.assert_close(theirs(input_ids=ids).logits, expected, atol=2e-4, rtol=1e-4)


FORGET = ("route-partly@0", "route-partly@0.5", "route-partly@1")


def plan(*arms: str):
    catalogue = load_catalogue(load_plugins())
    return make_plan(Experiment(tasks=("leetcode-loopholes",), trainer=arms, seeds=(1,)), catalogue)


def test_arms_that_are_deployed_otherwise_share_one_training():
    cells = {cell.trainer.label: cell for cell in plan("route", "route-kept", "route-shrunk@0.5", "erase").cells}
    routes = [cells[label] for label in ("route", "route-kept", "route-shrunk@0.5")]
    assert len({cell.training_key for cell in routes}) == 1
    assert len({cell.trained_key for cell in routes}) == 3
    assert cells["erase"].training_key != routes[0].training_key
    assert routes[2].trainer.params["shrink"] == 0.5
    with pytest.raises(UsageError, match="shrink"):
        plan("route-shrunk@more")


def test_the_forget_scale_leads_from_the_kept_policy_to_the_ablated_one(adapter, tiny_qwen2, tmp_path):
    """The preset as a user types it, on one trained adapter; the svd adapter's weights are linear in its coordinates."""
    cells = {cell.trainer.label: cell for cell in plan(*FORGET, "route-kept", "route").cells}
    assert [cells[label].trainer.params["forget"] for label in FORGET] == [0, 0.5, 1]
    arms = [cells[label] for label in (*FORGET, "route-kept", "route")]
    assert len({cell.training_key for cell in arms}) == 1
    assert all(cell.trainer.control == ("route",) for cell in arms[:4])
    adapter().save(tmp_path / ADAPTER)

    def deployed(label: str) -> dict[str, torch.Tensor]:
        out = tmp_path / label
        context = TrainContext(source=tiny_qwen2, out=out, seed=0, device="cpu", dtype="float32", log=print)
        Grpo(GrpoParams.model_validate(cells[label].trainer.params)).deploy(tmp_path, context)
        return dict(load(out, device="cpu").model.state_dict())

    none, half, whole, kept, ablated = (deployed(cell.trainer.label) for cell in arms)
    assert max(float((kept[name] - ablated[name]).abs().max()) for name in kept) > 1e-3
    for name in kept:
        torch.testing.assert_close(none[name], kept[name])
        torch.testing.assert_close(whole[name], ablated[name])
        torch.testing.assert_close(half[name], (kept[name] + ablated[name]) / 2)


def test_a_forget_scale_beyond_the_quarantine_is_refused():
    with pytest.raises(UsageError, match="forget"):
        plan("route-partly@1.5")
