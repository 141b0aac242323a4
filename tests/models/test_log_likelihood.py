"""Log-likelihoods of targets: the model's own, whatever the batch."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import torch

from harness.contract import Prompt
from harness.errors import StageError
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.padding import passes
from harness.models.sampling import Sampling

PAIRS = (
    ("Once upon a time", ", there was a little girl named Lily."),
    ("The", " dog ran"),
    ("Lily and Tom went to the park. They saw a big", " red ball"),
    ("", "Once upon a time there was a boy."),
)


def prompts() -> list[Prompt]:
    return [Prompt(role="score", text=text, target=target) for text, target in PAIRS]


@pytest.fixture(scope="module", params=["stories260k", "gpt2-tarot", "tiny_qwen2"])
def generator(request: pytest.FixtureRequest) -> Generator:
    if request.param == "gpt2-tarot":
        return Generator(load(request.getfixturevalue("shared_data") / "gpt2-tarot", device="cpu"))
    return Generator(load(request.getfixturevalue(request.param), device="cpu"))


@torch.inference_mode()
def by_hand(generator: Generator, prompt: Prompt) -> float:
    before, target = generator.encode(prompt), generator.encode_target(prompt)
    logits = generator.loaded.model(torch.tensor([before + target])).logits[0]  # (L, V)
    log_probabilities = logits.log_softmax(dim=-1)
    return sum(float(log_probabilities[len(before) + n - 1, token]) for n, token in enumerate(target))


def test_a_batch_scores_each_target_as_if_alone(generator: Generator) -> None:
    replies = generator.log_likelihood(prompts())
    for prompt, reply in zip(prompts(), replies, strict=True):
        assert reply.log_likelihood == pytest.approx(by_hand(generator, prompt), abs=2e-3)
        assert reply.tokens == len(generator.encode_target(prompt))
        assert (reply.text, reply.truncated) == ("", False)


def test_ask_scores_batches_with_targets(generator: Generator) -> None:
    asked = [Request(item=str(n), repeat=0, prompt=prompt) for n, prompt in enumerate(prompts())]
    (batch,) = generator.batches(asked, batch_size=8)
    replies = generator.ask(batch, seed=0, suite="s", sampling=Sampling(temperature=1.0))
    assert replies == generator.log_likelihood([request.prompt for request in batch])


def test_a_real_model_finds_english_likelier_than_its_reverse(stories260k: Path) -> None:
    generator = Generator(load(stories260k, device="cpu"))
    forward = Prompt(role="s", text="Once upon a time, there was a", target=" little girl")
    backward = forward.model_copy(update={"target": " girl little"})
    likely, unlikely = (reply.log_likelihood or 0.0 for reply in generator.log_likelihood([forward, backward]))
    assert unlikely + 5 < likely < 0
    joined = generator.tokenizer.encode(forward.text + " little girl")
    assert generator.encode(forward) + generator.encode_target(forward) == joined


def test_an_empty_prompt_scores_the_text_from_its_beginning(tiny_qwen2: Path) -> None:
    generator = Generator(load(tiny_qwen2, device="cpu"))
    prompt = Prompt(role="s", text="", target="flour")
    assert generator.encode(prompt) == [generator.tokenizer.eos_token_id]  # it has no beginning-of-text token


def test_a_target_beyond_the_context_is_an_error(generator: Generator) -> None:
    endless = Prompt(role="score", text="The", target=" dog" * 600)
    assert generator.batches([Request(item="a", repeat=0, prompt=endless)], 4)
    with pytest.raises(StageError, match=f"the model's context {generator.loaded.context}"):
        generator.log_likelihood([endless])
    with pytest.raises(StageError, match="target without tokens"):
        generator.log_likelihood([endless.model_copy(update={"target": ""})])


CHOICES = (
    ("Once upon a time, there was a", (" little girl", " little dog who ran and ran.", " boy.")),
    ("Lily and Tom went to the park. They saw a big", (" red ball", " tree", " cat in the old house")),
    ("Tim had", (" a ball", " two", " no")),
)


def choosing() -> list[Prompt]:
    return [Prompt(role="choose", text=text, choices=choices) for text, choices in CHOICES]


def separately(generator: Generator, prompt: Prompt) -> list[float | None]:
    targets = [Prompt(role="choose", text=prompt.text, target=choice) for choice in prompt.choices]
    return [generator.log_likelihood([target])[0].log_likelihood for target in targets]


def test_choices_share_a_text_and_score_as_if_each_were_a_target(generator: Generator) -> None:
    for prompt, reply in zip(choosing(), generator.choose(choosing()), strict=True):
        assert reply.choice_log_likelihoods == pytest.approx(separately(generator, prompt), abs=1e-4)
        assert reply.tokens == sum(len(generator.encode_continuation(prompt, text)) for text in prompt.choices)
        assert (reply.text, reply.log_likelihood) == ("", None)


@pytest.fixture
def reads(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes (rows, tokens) of the forward passes to come."""
    assert generator.decoder.by_batch is None  # its proof reads, too
    forward, shapes = generator.model.forward, []

    def seen(*args: object, **kwargs: object) -> object:
        shapes.append(tuple(kwargs["input_ids"].shape))  # type: ignore[attr-defined]
        return forward(*args, **kwargs)

    monkeypatch.setattr(generator.model, "forward", seen)
    return shapes


def test_what_a_text_and_its_choices_have_in_common_is_read_once(
    generator: Generator, reads: list[tuple[int, ...]]
) -> None:
    (prompt, *_) = choosing()
    text = generator.encode(prompt)
    choices = [generator.encode_continuation(prompt, choice) for choice in prompt.choices]
    distinct = {(*choice[:end],) for choice in choices for end in range(1, 1 + len(choice))}
    assert len(distinct) < sum(map(len, choices))
    generator.choose([prompt])
    assert reads == [(1, len(text) + len(distinct))]


def test_a_model_that_cannot_be_asked_for_a_tree_reads_the_text_once(
    generator: Generator, reads: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator.decoder, "by_batch", "its attention cannot be replaced")
    (prompt, *_) = choosing()
    (reply,) = generator.choose([prompt])
    longest = max(len(generator.encode_continuation(prompt, choice)) for choice in prompt.choices)
    assert reads == [(1, len(generator.encode(prompt)) - 1), (3, longest)]
    assert reply.choice_log_likelihoods == pytest.approx(separately(generator, prompt), abs=1e-4)


def test_a_text_of_one_token_and_a_memory_that_cannot_be_shared_are_scored_apart(
    stories260k: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Generator(load(stories260k, device="cpu"))
    prompt = Prompt(role="choose", text="", choices=("Once upon", " a time"))
    assert len(generator.encode(prompt)) == 1
    for refusal in (None, "its attention cannot be replaced"):
        monkeypatch.setattr(generator.decoder, "by_batch", refusal)
        (reply,) = generator.choose([prompt])
        assert reply.choice_log_likelihoods == pytest.approx(separately(generator, prompt), abs=1e-4)

    monkeypatch.setattr("harness.models.scoring.prefill", lambda *_: None)
    for prompt, reply in zip(choosing(), generator.choose(choosing()), strict=True):
        assert reply.choice_log_likelihoods == pytest.approx(separately(generator, prompt), abs=1e-4)


def test_a_prompt_with_choices_takes_their_number_of_places_in_a_batch(generator: Generator) -> None:
    asked = [Request(item=str(n), repeat=0, prompt=prompt) for n, prompt in enumerate(choosing() * 2)]
    assert [len(batch) for batch in generator.batches(asked[:3], batch_size=7)] == [2, 1]
    assert [len(batch) for batch in generator.batches(asked[:3], batch_size=1)] == [1] * 3
    (batch,) = generator.batches(asked[:3], batch_size=9)
    replies = generator.ask(batch, seed=0, suite="s", sampling=Sampling())
    assert replies == generator.choose([request.prompt for request in batch])


def test_choices_that_several_requests_share_are_scored_once(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        Request(item=item, repeat=0, prompt=prompt.model_copy(update={"role": f"{item}/{n}"}))
        for item in "ab"
        for n, prompt in enumerate(choosing())
    ]
    batches = generator.batches(asked, batch_size=7)
    assert [len(batch) for batch in batches] == [4, 2]
    assert [len(batch) for batch in generator.batches(asked, batch_size=1)] == [2, 2, 2]
    scored: list[str] = []
    choose = generator.choose
    monkeypatch.setattr(generator, "choose", lambda prompts: scored.extend(p.text for p in prompts) or choose(prompts))
    replies = {
        (request.item, request.prompt.text): reply
        for batch in batches
        for request, reply in zip(batch, generator.ask(batch, 0, "s", Sampling()), strict=True)
    }
    assert sorted(scored) == sorted(prompt.text for prompt in choosing())
    for prompt in choosing():
        assert replies["a", prompt.text] == replies["b", prompt.text]
        assert replies["a", prompt.text].choice_log_likelihoods == pytest.approx(
            generator.choose([prompt])[0].choice_log_likelihoods, abs=1e-4
        )


def test_choices_that_do_not_fit_or_are_empty_are_errors(generator: Generator) -> None:
    endless = Prompt(role="choose", text="The", choices=(" cat", " dog" * 600))
    with pytest.raises(StageError, match=f"the model's context {generator.loaded.context}"):
        generator.choose([endless])
    with pytest.raises(StageError, match="choice without tokens"):
        generator.choose([endless.model_copy(update={"choices": (" cat", "")})])
    with pytest.raises(ValueError, match="target or choices, not both"):
        Prompt(role="choose", text="The", choices=(" cat",), target=" dog")


def test_a_cpu_reads_a_batch_some_tokens_at_a_time_with_the_same_result(
    generator: Generator, reads: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = generator.choose(choosing()), generator.log_likelihood(prompts())
    assert [rows for rows, _ in reads] == [len(CHOICES), len(PAIRS)]
    reads.clear()
    monkeypatch.setattr("harness.models.padding.CPU_TOKENS", 40)
    apart = generator.choose(choosing()), generator.log_likelihood(prompts())
    assert len(reads) > 2
    assert all(rows == 1 or rows * tokens <= 40 for rows, tokens in reads)
    for one, other in zip(chain(*together), chain(*apart), strict=True):
        assert (one.tokens, one.log_likelihood) == (other.tokens, pytest.approx(other.log_likelihood, abs=1e-4))
        assert one.choice_log_likelihoods == pytest.approx(other.choice_log_likelihoods, abs=1e-4)


@pytest.mark.parametrize(
    ("lengths", "read"),
    [
        ([], []),
        ([7], [[7]]),
        ([600], [[600]]),  # too long for a pass, and a pass of its own
        ([100, 100, 100, 100, 100, 100], [[100] * 5, [100]]),
        ([1, 1, 250, 250, 2, 300], [[1, 1], [250, 250], [2], [300]]),  # padding counts
    ],
)
def test_passes_hold_so_many_padded_tokens(lengths: list[int], read: list[list[int]]) -> None:
    assert [lengths[part] for part in passes(lengths, torch.device("cpu"))] == read


def test_another_device_reads_all_at_once_unless_told_otherwise() -> None:
    lengths = [400] * 6
    assert list(passes(lengths, torch.device("meta"))) == [slice(0, 6)]
    assert list(passes(lengths, torch.device("meta"), 1200)) == [slice(0, 3), slice(3, 6)]
