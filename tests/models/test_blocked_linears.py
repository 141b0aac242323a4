"""Weights in blocks say what they said, and are still there for whoever looks at them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from harness.checkpoints import blocked as blocked_module
from harness.checkpoints.blocked import BlockedLinear, add_inner, blocked, linear
from harness.models.load import load

TOKENS = torch.arange(5, 25)[None]

needs_blocks = pytest.mark.skipif(
    not blocked(torch.ones(1, 1)).is_mkldnn, reason="this torch or this machine multiplies no weights in blocks"
)


@needs_blocks
@pytest.mark.parametrize("rows", [(1,), (3,), (64,), (7, 1), (2, 200)])
def test_a_product_with_blocks_is_the_product_and_each_row_of_it_is_what_it_is_alone(rows: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(*shape, generator=generator) for shape in ((*rows, 48), (97, 48), (97,)))
    product = linear(x, blocked(weight), bias)
    torch.testing.assert_close(product, F.linear(x, weight, bias), rtol=1e-5, atol=1e-5)
    alone = linear(x.flatten(0, -2)[:1], blocked(weight), bias)
    torch.testing.assert_close(product.flatten(0, -2)[:1], alone, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("together", [5, 2048])
def test_inner_products_are_added_part_by_part(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b, before = (torch.randn(size, generator=generator) for size in ((40, 12), (40, 9), (12, 9)))
    monkeypatch.setattr(blocked_module, "TOGETHER", together)
    total = before.clone()
    add_inner(total, a, b)
    torch.testing.assert_close(total.double(), before.double() + a.double().T @ b.double(), rtol=1e-5, atol=1e-5)


@needs_blocks
def test_a_frozen_model_has_blocks_and_the_weights_and_gradients_of_a_plain_one(tiny_qwen2: Path) -> None:
    fast, plain = load(tiny_qwen2, "cpu", frozen=True).model, load(tiny_qwen2, "cpu").model
    kinds = [type(module) for module in fast.modules()]
    assert torch.nn.Linear not in kinds
    assert BlockedLinear in kinds
    weights = plain.state_dict()
    assert list(fast.state_dict()) == list(weights)
    assert all(torch.equal(weight, weights[name]) for name, weight in fast.state_dict().items())
    fast.tie_weights()  # lm-eval does that to a model it is given
    gradients = []
    for model in (fast, plain):
        states = model.get_input_embeddings()(TOKENS).detach().requires_grad_()
        logits = model(inputs_embeds=states).logits
        logits.square().sum().backward()
        gradients.append(states.grad)
        with torch.no_grad():
            torch.testing.assert_close(model(TOKENS).logits, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_other_dtypes_and_models_that_may_be_trained_keep_their_weights_as_they_are(tiny_qwen2: Path) -> None:
    weight = torch.ones(4, 4, dtype=torch.bfloat16)
    assert blocked(weight) is weight
    for loaded in (load(tiny_qwen2, "cpu", "bfloat16", frozen=True), load(tiny_qwen2, "cpu")):
        assert not any(isinstance(module, BlockedLinear) for module in loaded.model.modules())
