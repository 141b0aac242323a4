"""The probe: what it reads of a model, what it learns, and when it says nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness import Reply, Tools, View
from harness.detection.activations import Activations
from harness.models.activations import residual
from harness.models.generate import Generator
from harness.models.load import load
from harness_plugins.detectors.probe.detector import Probe
from harness_plugins.detectors.probe.logistic import fit_logistic
from harness_plugins.detectors.probe.spec import ProbeParams

PROMPT = "Explain, step by step, how a train ticket is priced."
WORDS = ("discount", "coupon", "price", "flour", "people", "answer", "recipe")


def view(reply: str, item: str = "one") -> View:
    return View(item=item, family="f", prompts={"r": PROMPT}, replies={"r": Reply(text=reply)})


@pytest.fixture(scope="module")
def generator(tiny_qwen2: Path) -> Generator:
    return Generator(load(tiny_qwen2, "cpu", "float32"))


def test_a_row_is_the_mean_of_the_stream_over_the_replys_tokens(generator):
    replies = ["the price", "take the coupon off what remains", "a"]
    rows = Activations(lambda: generator)([view(reply) for reply in replies], 0.5)
    blocks = generator.model.config.num_hidden_layers
    for row, reply in zip(rows, replies, strict=True):
        before = generator.encode(prompt_of(reply, target=False))
        tokens = generator.encode_target(prompt_of(reply, target=True))
        with torch.no_grad():
            hidden = generator.model(
                input_ids=torch.tensor([[*before, *tokens]]), output_hidden_states=True
            ).hidden_states
        expected = hidden[round(0.5 * blocks)][0, len(before) :].mean(dim=0)
        np.testing.assert_allclose(row, expected.numpy(), rtol=1e-4, atol=1e-5)


def prompt_of(reply: str, *, target: bool):
    from harness import Prompt

    return Prompt(role="r", text=PROMPT, target=reply if target else None)


def test_padding_changes_nothing(generator):
    short, long = [5, 6, 7], list(range(5, 40))
    together = residual(generator, [short, long], 0.75, 0.75)
    torch.testing.assert_close(together[0, :3], residual(generator, [short], 0.75, 0.75)[0], rtol=1e-4, atol=1e-5)


def test_each_text_is_passed_through_the_model_once(generator):
    calls = []
    handle = generator.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, args: calls.append(args[0].shape[0])
    )
    try:
        told: list[tuple[int, int]] = []
        read = Activations(lambda: generator, lambda done, of: told.append((done, of)))
        read([view("the price"), view("the price", "two"), view("a coupon")], 0.5)
        read([view("a coupon")], 0.5)
    finally:
        handle.remove()
    assert sum(calls) == 2
    assert told == [(0, 2), (1, 2), (2, 2)]  # and the second call had nothing to read


def test_empty_and_overlong_replies_have_no_activations(generator):
    context = generator.loaded.context
    assert context is not None
    rows = Activations(lambda: generator)([view(""), view("price " * context), view("price")], 0.5)
    assert np.isnan(rows[:2]).all()
    assert np.isfinite(rows[2]).all()


def test_it_tells_apart_what_it_was_shown_and_abstains_from_what_it_cannot_read(generator):
    pairs = [(first, second) for first in WORDS for second in WORDS]
    texts = [f"take the {a} off the {b}" for a, b in pairs] + [f"exit with the {a} of {b}" for a, b in pairs]
    labels = [text.startswith("exit") for text in texts]
    probe = Probe(ProbeParams())
    probe.tools = Tools(activations=Activations(lambda: generator))
    views = [view(text) for text in texts]
    probe.fit(views[::2], labels[::2])
    flags = probe.inspect([*views[1::2], view("")])
    assert [flag.flagged for flag in flags[:-1]] == labels[1::2]
    assert flags[-1].abstained
    assert "probability" in flags[0].evidence[0]


@pytest.mark.parametrize("labels", [[], [True, True], [False, False]])
def test_without_examples_of_both_kinds_it_abstains(generator, labels):
    probe = Probe(ProbeParams())
    probe.tools = Tools(activations=Activations(lambda: generator))
    probe.fit([view("price"), view("coupon")][: len(labels)], labels)
    (flag,) = probe.inspect([view("price")])
    assert flag.abstained
    assert "not fitted" in flag.evidence[0]


def test_the_logistic_is_the_minimum_of_its_loss_and_weighs_classes_alike():
    rng = np.random.default_rng(0)
    positive = np.arange(300) < 30
    features = rng.normal(size=(300, 4)) + positive[:, None] * np.array([1.0, 0.5, 0.0, 0.0])
    found = fit_logistic(features, positive, 0.01)

    def loss(weights: np.ndarray, bias: float) -> float:
        margin = np.where(positive, 1, -1) * ((features - found.mean) / found.scale @ weights + bias)
        each = np.logaddexp(0, -margin)
        return 0.5 * each[positive].mean() + 0.5 * each[~positive].mean() + 0.005 * weights @ weights

    best = loss(found.weights, found.bias)
    for _ in range(50):
        assert loss(found.weights + 0.02 * rng.normal(size=4), found.bias + 0.02 * rng.normal()) > best
    with pytest.raises(ValueError, match="both classes"):
        fit_logistic(features, np.ones(300, bool), 0.01)
