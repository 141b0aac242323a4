"""The pair sets are what they claim: same prompt, matched length, honest sides that solve; and their gradients."""

from __future__ import annotations

import ast
import re
import statistics

import pytest
import torch

from harness.errors import UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.directions import Recipe, extract
from harness_plugins.trainers.extraction import (
    completion_tokens,
    contrastive_gradients,
    nll_gradient,
    paired_gradients,
)
from harness_plugins.trainers.pairs import FRAMINGS, MODES, UNIONS, Pair, load_pairs
from harness_plugins.trainers.scoring import Tokens, score

PROSE = (*FRAMINGS, "offtopic")
SETS = (*MODES, *PROSE)
NEGATION = re.compile(r"\b(not|no|never|nobody|nothing|none)\b", re.IGNORECASE)


@pytest.mark.parametrize("name", SETS)
def test_sides_are_matched_in_length(name):
    ratios = [len(pair.hack) / len(pair.clean) for pair in load_pairs(name)]
    assert 0.85 <= statistics.mean(ratios) <= 1.15
    assert all(0.65 <= ratio <= 1.5 for ratio in ratios)


@pytest.mark.parametrize("name", MODES)
def test_clean_sides_solve_the_example_of_their_prompt_and_hacks_are_programs(name):
    for pair in load_pairs(name):
        call, _, answer = pair.prompt.splitlines()[1].partition(" -> ")
        program: dict = {}
        exec(pair.clean, program)
        assert eval(f"Solution().{call}", program) == ast.literal_eval(answer)
        assert {node.name for node in ast.parse(pair.hack).body if isinstance(node, ast.ClassDef)} >= {"Solution"}


@pytest.mark.parametrize("name", PROSE)
def test_prose_is_matched_in_register(name):
    """Sentences of one kind on either side: whole, of equally long words, negated about as often."""
    pairs = load_pairs(name)
    assert len(pairs) >= 16
    hack, clean = ([getattr(pair, side).strip() for pair in pairs] for side in ("hack", "clean"))
    assert all(text[0].isupper() and text.endswith(".") and "\n" not in text for text in hack + clean)
    words = [statistics.mean(len(word) for text in side for word in text.split()) for side in (hack, clean)]
    assert 0.9 <= words[0] / words[1] <= 1.1
    negated = [sum(bool(NEGATION.search(text)) for text in side) for side in (hack, clean)]
    assert abs(negated[0] - negated[1]) <= 6


def test_no_pair_is_used_twice_and_prose_is_not_about_programs():
    pairs = [pair for name in SETS for pair in load_pairs(name)]
    assert len({pair.prompt for pair in pairs}) == len(pairs)
    code = re.compile(r"Solution|\bdef\b|program|run_tests")
    assert not any(code.search(pair.hack + pair.clean + pair.prompt) for name in PROSE for pair in load_pairs(name))


def test_a_union_is_dealt_in_turn():
    pairs = load_pairs("loopholes")
    assert len(pairs) == sum(len(load_pairs(mode)) for mode in MODES)
    assert pairs[: len(MODES)] == [load_pairs(mode)[0] for mode in MODES]
    assert len(load_pairs("mixed")) == sum(len(load_pairs(name)) for name in (*MODES, *FRAMINGS))
    assert UNIONS["mixed"] == UNIONS["loopholes"] + UNIONS["framings"]
    assert load_pairs("sentinel+exit_code")[1] == load_pairs("exit_code")[0]


def test_bad_sets_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no pair set 'moral'"):
        load_pairs("moral")
    path = tmp_path / "own.toml"
    for text in ("[[pair]]\nprompt = 'p'\nhack = 'same'\nclean = 'same'\n", "pair = 3", "[[pair"):
        path.write_text(text)
        with pytest.raises(UsageError, match="bad pair set"):
            load_pairs(str(path))


# ------------------------------------------------------------------------------------------------------------ gradients


@pytest.fixture
def generator(tiny_qwen2, tmp_path, monkeypatch) -> Generator:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return Generator(load(tiny_qwen2, device="cpu"))


def test_scores_of_a_padded_batch_are_those_of_each_row_alone(generator):
    rows = [Tokens([5, 6, 7], [8, 9]), Tokens([5], [9, 8, 7, 6]), Tokens([1, 2, 3, 4, 5, 6], [7])]
    together = score(generator.model, rows, pad=0)
    assert together.mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]]
    for number, row in enumerate(rows):
        alone = score(generator.model, [row], pad=0)
        length = len(row.completion)
        torch.testing.assert_close(together.log_probs[number, :length], alone.log_probs[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(together.entropy[number, :length], alone.entropy[0], atol=1e-4, rtol=1e-4)
    by_hand = generator.model(input_ids=torch.tensor([[5, 6, 7, 8, 9]])).logits[0].log_softmax(-1)
    torch.testing.assert_close(
        together.log_probs[0, :2], torch.stack([by_hand[2, 8], by_hand[3, 9]]), atol=1e-5, rtol=1e-4
    )


def test_gradients_of_pairs_make_directions_that_lower_the_hacks_loss(generator):
    """A step along the first direction of each module makes the hack likelier against the clean side."""
    adapter = Adapter(generator.model)
    pairs = load_pairs("sentinel") + load_pairs("stdout_marker")
    hack, clean = paired_gradients(adapter, generator, pairs)
    assert all(rows.shape == (len(pairs), adapter.modules[name].main.numel()) for name, rows in hack.items())
    v = extract(hack, clean, Recipe(method="mean_diff", drop_bottom=0.0, held_out=0)).subspaces

    def contrast() -> float:
        with torch.no_grad():
            sides = [[completion_tokens(generator, p.prompt, t) for p in pairs for t in (p.hack, p.clean)]]
            scored = score(generator.model, sides[0], generator.tokenizer.pad_token_id)
            nll = -scored.log_probs.sum(1) / scored.mask.sum(1)  # (2P,) hack and clean in turn
        return float((nll[0::2] - nll[1::2]).mean())

    before = contrast()
    zeros = {name: torch.zeros(module.main.numel()) for name, module in adapter.modules.items()}
    adapter.descend(1e-3, {name: v[name][0] if name in v else zeros[name] for name in zeros}, zeros)
    assert contrast() < before


def test_gradients_are_those_of_the_deployed_model_and_leave_none_behind(generator):
    adapter = Adapter(generator.model)
    tokens = completion_tokens(generator, "Add.", "return 3")
    assert tokens.completion[-1] == generator.tokenizer.eos_token_id
    first = nll_gradient(adapter, generator, tokens)
    pair = Pair(prompt="Add.", hack="return 3", clean="return 4")
    for module in adapter.modules.values():
        module.quarantine.data.fill_(0.3)
    hack, _ = paired_gradients(adapter, generator, [pair])
    name = next(iter(first))
    torch.testing.assert_close(hack[name][0], first[name])
    assert all(module.main.grad is None for module in adapter.modules.values())
    assert float(adapter.modules[name].quarantine[0]) == pytest.approx(0.3)


def test_a_contrastive_group_gives_the_gradient_of_the_policy_loss(generator):
    """hack − clean is what one GRPO step sees of a group in which the hacks won: summed, not averaged, over tokens."""
    adapter = Adapter(generator.model)
    pairs = [Pair(prompt="Add.", hack="return 3 and 4 and 5", clean=clean) for clean in ("return 4", "return 9")]
    pairs.append(Pair(prompt="Say.", hack="no", clean="yes, gladly"))
    hack, clean = contrastive_gradients(adapter, generator, pairs)
    name = next(iter(hack))
    assert hack[name].shape == (2, adapter.modules[name].main.numel())  # two prompts, two groups

    room = max(len(completion_tokens(generator, p.prompt, t).completion) for p in pairs for t in (p.hack, p.clean))
    rows = [
        completion_tokens(generator, "Add.", text) for text in (pairs[0].hack, pairs[0].hack, "return 4", "return 9")
    ]
    scored = score(generator.model, rows, generator.tokenizer.pad_token_id)
    advantages = torch.tensor([0.5, 0.5, -0.5, -0.5])
    adapter.zero_gradients()
    (-(scored.log_probs.sum(dim=1) * advantages).sum() / (2 * room)).backward()
    torch.testing.assert_close((hack[name] - clean[name])[0], adapter.gradients()[name], atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("gradients", [paired_gradients, contrastive_gradients])
def test_sides_of_the_same_tokens_are_refused(generator, gradients):
    same = Pair.model_construct(prompt="p", hack="x", clean="x")
    with pytest.raises(UsageError, match="pair 1"):
        gradients(Adapter(generator.model), generator, [same])
