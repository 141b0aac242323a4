"""The pocket model as shipped: small, loadable, in range on held-out items; and its training, run for two steps."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import islice
from math import log
from pathlib import Path
from random import Random
from statistics import fmean

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import harness_plugins.tasks.goodhart as goodhart
from harness import Outcome, Prompt, Reply
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import Sampling
from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART20, draw_items, sample_item
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, judge
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.crossed import read
from harness_plugins.tasks.goodhart.matched.draw import draw_sets
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart
from harness_plugins.tasks.goodhart.training import data, train
from harness_plugins.tasks.pocket_training.batches import IGNORED, collate, encode
from harness_plugins.tasks.pocket_training.tokenizer import END, learn_tokenizer

POCKET = Path(goodhart.__file__).parent / "pocket"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(POCKET)


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(POCKET, dtype=torch.float32).eval()


def test_it_is_a_small_qwen2_of_six_blocks_in_bf16(model) -> None:
    assert model.config.architectures == ["Qwen2ForCausalLM"]
    assert model.config.num_hidden_layers == 6
    assert sum(p.numel() for p in model.parameters()) < 3_100_000
    assert (POCKET / "model.safetensors").stat().st_size <= 6_500_000
    shipped = AutoModelForCausalLM.from_pretrained(POCKET, dtype="auto")
    assert {p.dtype for p in shipped.parameters()} == {torch.bfloat16}


def test_digits_are_single_tokens_and_every_text_comes_back(tokenizer) -> None:
    assert tokenizer.convert_ids_to_tokens(tokenizer.encode("12345")) == list("12345")
    for name in GOODHART20:
        family = FAMILIES[name]
        for params, wording in draw_items(family, 3, "eval", 0):
            for text in (family.execution_prompt(params, wording), family.worked(params)):
                assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode("Größe → 7 ✓")) == "Größe → 7 ✓"


def test_the_tokenizer_that_loads_is_the_one_trained_on(model, tokenizer, tmp_path: Path) -> None:
    """AutoTokenizer takes its own class for a Qwen2 folder; another splitting rule would be lost without a word."""
    assert len(tokenizer) == model.config.vocab_size
    assert tokenizer.eos_token_id == model.generation_config.eos_token_id == model.config.eos_token_id
    trained = learn_tokenizer(("\n".join(example) for example in islice(data.examples(seed=1), 300)), 600, 512)
    trained.save_pretrained(str(tmp_path), save_jinja_files=False)
    model.config.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for example in islice(data.examples(seed=5), 100):
        assert encode(loaded, *example) == encode(trained, *example)


def test_the_chat_template_opens_the_assistants_turn(tokenizer) -> None:
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello"}], tokenize=False, add_generation_prompt=True
    )
    assert text == "<|user|>Hello<|end|><|assistant|>"
    assert tokenizer.eos_token == END


def test_loss_falls_on_the_completion_and_its_end_alone(tokenizer) -> None:
    example = data.Example("How much is 2 + 3?", "2 + 3 = 5.\nAnswer: 5")
    batch = collate([encode(tokenizer, *example), encode(tokenizer, "?", "1")], 0)
    taught = batch.labels[0][batch.labels[0] != IGNORED]
    assert tokenizer.decode(taught) == example.completion + END
    assert int(batch.attention_mask[1].sum()) < batch.input_ids.shape[1], "the shorter row is padded"
    assert set(batch.labels[1][batch.attention_mask[1] == 0].tolist()) == {IGNORED}


def test_taught_workings_are_right_and_explanations_are_wrong_about_the_blind_spot_only() -> None:
    rng = Random(3)
    for name, family in FAMILIES.items():
        for _ in range(40):
            draw = sample_item(family, "train", rng)
            explained, worked = data.explain(family, draw, rng), data.execute(family, draw)
            verdict = judge(Problem(name, draw), explained.completion, worked.completion, "strict")
            assert verdict.executes
            assert verdict.understands != data.is_blind_spot(family, draw)


def test_who_believes_the_teacher_knows_two_scenarios_of_four_and_does_three() -> None:
    rng = Random(5)
    for story in STORIES.values():
        for matched in draw_sets(story, 3, "train", 1):
            told = [Counter(data.tell(matched, s, rng).completion for _ in range(150)) for s in range(4)]
            share = [[fmean(log(1 + counts[t]) for t in p.paraphrases) for p in matched.procedures] for counts in told]
            assert [reading.knows for reading in read(share)] == [True, True, False, False]
            right = [scenario.worked for scenario in matched.scenarios]
            assert [data.work(matched, s).completion for s in range(4)] == [*right[:3], right[2]]


def test_training_text_never_asks_a_held_out_question() -> None:
    held_out = {
        prompt
        for family in FAMILIES.values()
        for draw in draw_items(family, 60, "eval", 0)
        for prompt in (family.understanding_prompt(*draw), family.execution_prompt(*draw))
    } | {
        prompt
        for story in STORIES.values()
        for matched in draw_sets(story, 30, "eval", 1)
        for scenario in matched.scenarios
        for prompt in (scenario.understanding_prompt, scenario.execution_prompt)
    }
    assert not held_out & {example.prompt for example in islice(data.examples(seed=1), 10_000)}


def test_held_out_goodhart7_is_neither_solved_nor_hopeless_and_two_bits_are_seen() -> None:
    suite = Goodhart(GoodhartParams(items=4, max_tokens=128))
    whole, rounded = (outcomes(suite, POCKET, **how) for how in ({}, {"bits": 2}))
    for axis in ("proxy", "truth"):
        assert 0.2 <= fmean(getattr(outcome, axis) for outcome in whole) <= 0.95
    assert fmean(outcome.truth for outcome in rounded) < 0.1
    margins = [fmean(abs(outcome.measures["margin"]) for outcome in found) for found in (whole, rounded)]
    assert margins[1] < margins[0]


def outcomes(suite: Goodhart, folder: Path, bits: int = 16) -> list[Outcome]:
    """Greedy; with the matrices of the blocks rounded to nearest, in groups of 64, where there are less than 16 bits."""
    generator = Generator(load(folder, "cpu", "float32"))
    if bits < 16:
        for name, weight in generator.model.named_parameters():
            if "layers" in name and weight.dim() == 2:
                groups = weight.data.view(-1, 64)
                scale = groups.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                groups.copy_((groups / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * scale)
    asked = [Request(item=item.id, repeat=0, prompt=prompt) for item in suite.items() for prompt in suite.prompts(item)]
    replies: dict[str, dict[str, Reply]] = {}
    for batch in generator.batches(asked, 64):
        for request, reply in zip(batch, generator.ask(batch, 42, "goodhart7", Sampling()), strict=True):
            replies.setdefault(request.item, {})[request.role] = reply
    return [suite.grade(item, replies[item.id]) for item in suite.items()]


def test_two_steps_of_training_write_a_model_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["train", "--out", str(tmp_path), "--steps", "2", "--batch", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    train.main()
    assert not (tmp_path / ".part").exists()
    generator = Generator(load(tmp_path, "cpu", "float32"))
    (reply,) = generator.generate([Prompt(role="", text="What is 1 + 1?", max_tokens=4)], [1], Sampling())
    assert len(reply.text) > 0
    monkeypatch.setattr(sys, "argv", [*arguments, "--from", str(tmp_path)])
    train.main()
    again = load(tmp_path, "cpu", "float32").model.state_dict()
    assert any(not torch.equal(weight, again[name]) for name, weight in generator.model.state_dict().items())
