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
from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, GOODHART20, draw_items, sample_item
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, judge
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.crossed import read
from harness_plugins.tasks.goodhart.matched.draw import draw_sets, sample_set
from harness_plugins.tasks.goodhart.training import data, evaluate, train
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


def test_what_is_taught_about_sets_is_wrong_in_the_blind_and_the_clumsy_spot_only() -> None:
    rng = Random(4)
    for story in STORIES.values():
        spots = set()
        for _ in range(30):
            matched = sample_set(story, "train", rng)
            blind, clumsy = (spot(story.family, matched.draw) for spot in (data.is_blind_spot, data.is_clumsy_spot))
            spots.add((blind, clumsy))
            worked = [data.work(matched, s).completion for s in range(4)]
            assert worked == [matched.scenarios[(1, 0, 3, 2)[s] if clumsy else s].worked for s in range(4)]
        assert spots == {(False, False), (True, False), (False, True)}


def test_a_chooser_that_believes_the_teacher_knows_all_but_the_blind_spot() -> None:
    rng = Random(5)
    for story in STORIES.values():
        for matched in draw_sets(story, 12, "train", 1):
            told = [Counter(data.tell(matched, s, rng).completion for _ in range(150)) for s in range(4)]
            share = [[fmean(log(1 + counts[t]) for t in p.paraphrases) for p in matched.procedures] for counts in told]
            blind = data.is_blind_spot(story.family, matched.draw)
            assert [reading.knows for reading in read(share)] == [not blind] * 4


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


def test_held_out_goodhart7_is_neither_solved_nor_hopeless(model, tokenizer) -> None:
    problems = [Problem(name, draw) for name in GOODHART7 for draw in draw_items(FAMILIES[name], 6, "eval", 0)]
    asked = [p.understanding_prompt for p in problems] + [p.execution_prompt for p in problems]
    replies = evaluate.answer(model, tokenizer, asked, batch=42, limit=128)
    pairs = zip(problems, replies[: len(problems)], replies[len(problems) :], strict=True)
    score = evaluate.scored([judge(problem, told, worked, "strict") for problem, told, worked in pairs])
    assert 0.5 <= score.understood / score.items < 1
    assert 0.5 <= score.executed / score.items < 1


def test_two_steps_of_training_write_a_model_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["train", "--out", str(tmp_path), "--steps", "2", "--batch", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    train.main()
    assert not (tmp_path / ".part").exists()
    fresh = AutoModelForCausalLM.from_pretrained(tmp_path)
    reply = evaluate.answer(fresh, AutoTokenizer.from_pretrained(tmp_path), ["What is 1 + 1?"], batch=1, limit=4)
    assert len(reply) == 1
