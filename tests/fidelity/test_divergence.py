"""The comparison of two models, against its definitions written out in float64."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from harness.contract import Prompt
from harness.errors import StageError
from harness.models.fidelity import SourceLogits, compare, foretell, keep
from harness.models.generate import Generator
from harness.models.load import load

TEXTS = [Prompt(role="text", text=turn, target=target) for turn, target in (("", "Once upon a time"), ("Why?", "So."))]


@pytest.fixture
def generator(tiny_qwen2: Path) -> Generator:
    return Generator(load(tiny_qwen2, device="cpu"))


def kept(generator: Generator, folder: Path) -> SourceLogits:
    keep(generator, TEXTS, folder / "kept", lambda *_: None)
    return SourceLogits(folder / "kept", generator.loaded.device, generator.loaded.dtype)


def disturb(generator: Generator) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in generator.model.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)


def test_a_model_foretells_what_it_foretells_itself(generator, tmp_path):
    source = kept(generator, tmp_path)
    for number, prompt in enumerate(TEXTS):
        found = compare(source.logits(number), foretell(generator, prompt))
        assert max(map(abs, found.kl)) < 1e-6
        assert all(found.same_top)
        assert min(found.overlap) == pytest.approx(1, abs=1e-5)


def test_another_model_is_compared_as_the_definitions_say(generator, tmp_path):
    before = [foretell(generator, prompt) for prompt in TEXTS]
    source = kept(generator, tmp_path)
    disturb(generator)
    for number, (prompt, old) in enumerate(zip(TEXTS, before, strict=True)):
        new = foretell(generator, prompt)
        found = compare(source.logits(number), new)
        p, q = (one.logits.double().softmax(dim=-1) for one in (old, new))
        rows = torch.arange(len(new.tokens))
        assert found.kl == pytest.approx((p * (p / q).log()).sum(dim=1).tolist(), rel=1e-3)
        assert found.reverse_kl == pytest.approx((q * (q / p).log()).sum(dim=1).tolist(), rel=1e-3)
        assert found.overlap == pytest.approx((1 - (p - q).abs().sum(dim=1) / 2).tolist(), rel=1e-4)
        assert found.same_top == tuple((p.argmax(1) == q.argmax(1)).tolist())
        assert found.source == pytest.approx(p[rows, new.tokens].log().tolist(), rel=1e-3)
        assert found.model == pytest.approx(q[rows, new.tokens].log().tolist(), rel=1e-3)
        assert min(found.kl) > 0


def test_the_loss_is_the_one_that_scoring_finds(generator, tmp_path):
    source = kept(generator, tmp_path)
    for number, prompt in enumerate(TEXTS):
        found = compare(source.logits(number), foretell(generator, prompt))
        [reply] = generator.log_likelihood([prompt])
        assert sum(found.model) == pytest.approx(reply.log_likelihood, abs=1e-3)


def test_logits_that_are_capped_are_kept_themselves(generator, tiny_qwen2, tmp_path):
    """Gemma 2 squashes its logits after the head, so the hidden states and the head do not give them again."""
    config = Gemma2Config(
        vocab_size=generator.vocabulary, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, final_logit_softcapping=0.5,
    )  # fmt: skip
    torch.manual_seed(0)
    generator.model = Gemma2ForCausalLM(config).eval()
    with torch.no_grad():
        generator.model.lm_head.weight.mul_(50)
    source = kept(generator, tmp_path)
    found = compare(source.logits(0), foretell(generator, TEXTS[0]))
    assert max(map(abs, found.kl)) < 1e-6


def test_other_vocabularies_and_long_texts_are_refused(generator, tmp_path):
    text = foretell(generator, TEXTS[0])
    with pytest.raises(StageError, match="the vocabularies differ"):
        compare(text.logits[:, 1:], text)
    assert generator.loaded.context is not None
    long = Prompt(role="text", text="", target="time " * generator.loaded.context)
    with pytest.raises(StageError, match="exceeds the model's context"):
        foretell(generator, long)


def test_a_text_that_does_not_fit_costs_only_itself(generator, tmp_path):
    assert generator.loaded.context is not None
    long = Prompt(role="text", text="", target="time " * generator.loaded.context)
    keep(generator, [long, *TEXTS], tmp_path / "kept", lambda *_: None)
    source = SourceLogits(tmp_path / "kept", generator.loaded.device, generator.loaded.dtype)
    with pytest.raises(StageError, match="could not be asked"):
        source.logits(0)
    assert max(compare(source.logits(1), foretell(generator, TEXTS[0])).kl) < 1e-6
    with pytest.raises(StageError, match="exceeds the model's context"):
        keep(generator, [long], tmp_path / "none", lambda *_: None)
