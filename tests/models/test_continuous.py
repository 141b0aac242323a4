"""Rows enter and leave a running batch, and each says what it would have said alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, MambaConfig, MambaForCausalLM, MistralConfig, MistralForCausalLM

from harness.contract import Prompt, Reply
from harness.models.decoding.asks import Ask
from harness.models.decoding.continuous import RowDecoder
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import Sampling, draw, gumbel_noise, keep_top_p
from harness.models.stream import stream

HOT = Sampling(temperature=3.0)
NAMES = ("Lily", "Tom", "a cat", "the sun")
TEXTS = [
    f"Once upon a time, there was {name} who went to the {place}" for name in NAMES for place in ("park", "big lake")
]


@pytest.fixture
def qwen(tiny_qwen2: Path) -> Generator:
    return Generator(load(tiny_qwen2, device="cpu"))


def requests(texts: list[str] = TEXTS, **fields: object) -> list[Request]:
    made = [Prompt.model_validate({"role": "r", "text": text, "max_tokens": 30, **fields}) for text in texts]
    return [Request(item=f"{number:02}", repeat=0, prompt=prompt) for number, prompt in enumerate(made)]


def answers(generator: Generator, asked: list[Request], slots: int) -> dict[str, Reply | str | None]:
    lots = stream(generator, asked, 1, "s", HOT, slots)
    return {answer.request.item: answer.reply or answer.error for lot in lots for answer in lot.answers}


def alone(generator: Generator, asked: list[Request]) -> dict[str, Reply]:
    return {one.item: generator.generate([one.prompt], [one.key(1, "s")], HOT)[0] for one in asked}


@contextmanager
def forwards(generator: Generator) -> Iterator[list[tuple[int, int]]]:
    """(rows, tokens of each) of the forward passes within."""
    shapes: list[tuple[int, int]] = []
    hook = generator.model.register_forward_pre_hook(
        lambda _, __, inputs: shapes.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    yield shapes
    hook.remove()


# -------------------------------------------------------------------------------------------------------- rows in flight


@pytest.mark.parametrize("slots", [1, 3, 8, 64])
def test_a_reply_does_not_depend_on_how_many_rows_are_in_flight(qwen: Generator, slots: int) -> None:
    asked = requests(stop=("e",)) + [
        Request(item=f"other-{one.item}", repeat=1, prompt=one.prompt.model_copy(update={"max_tokens": 7 + number}))
        for number, one in enumerate(requests())
    ]
    expected = alone(qwen, asked)
    assert len({reply.tokens for reply in expected.values()}) > 4
    with forwards(qwen) as shapes:
        assert answers(qwen, asked, slots) == expected
    steps = [rows for rows, tokens in shapes if tokens == 1]
    assert max(steps) == min(slots, len(asked))
    if slots == 3:  # a row that ends makes room at once: the batch is thin only at the end
        assert sum(rows < 3 for rows in steps) <= 30


def test_replies_come_as_they_end(qwen: Generator) -> None:
    asked = requests(stop=("e",))
    lots = [lot for lot in stream(qwen, asked, 1, "s", HOT, 64) if lot.answers]
    assert len(lots) > 3
    lengths = [answer.reply.tokens for lot in lots for answer in lot.answers if answer.reply]
    assert lengths == sorted(lengths)


def test_what_prompts_have_in_common_is_read_once(qwen: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = requests(TEXTS + TEXTS[:3])
    prompts = {tuple(qwen.encode(one.prompt)[:-1]) for one in asked}
    distinct = {prompt[:end] for prompt in prompts for end in range(1, 1 + len(prompt))}
    assert 2 * len(distinct) < sum(map(len, prompts))
    expected = alone(qwen, asked)  # and its proof reads two rows
    with forwards(qwen) as shapes:
        assert answers(qwen, asked, 64) == expected
    assert shapes[0] == (1, len(distinct))
    assert {tokens for _, tokens in shapes[1:]} == {1}

    monkeypatch.setattr(RowDecoder.enter, "__defaults__", (40,))  # a tree of more tokens makes room for another
    with forwards(qwen) as shapes:
        assert answers(qwen, asked, 64) == expected
    assert shapes[0][0] > 1


def test_one_row_that_is_not_finite_costs_itself_alone(qwen: Generator) -> None:
    asked = requests([*TEXTS[:5], "A zebra is #1", *TEXTS[5:]], stop=("e",))
    expected = alone(qwen, asked)
    (damaged,) = qwen.tokenizer.encode("#")
    assert qwen.decoder.by_batch is None
    hook = qwen.model.get_input_embeddings().register_forward_hook(
        lambda _, inputs, out: out.masked_fill((inputs[0] == damaged)[..., None], float("nan"))
    )
    got = answers(qwen, asked, 3)
    hook.remove()
    spared = [item for item, reply in got.items() if isinstance(reply, Reply)]
    assert "not finite" in str(got["05"])
    assert len(spared) > len(asked) / 2  # a reply may come upon that token itself
    assert all(got[item] == expected[item] for item in spared)


def test_a_prompt_beyond_the_context_is_an_answer_with_its_cause(stories260k: Path) -> None:
    generator = Generator(load(stories260k, device="cpu"))
    asked = requests([*TEXTS[:2], "The cat sat. " * 400])
    got = answers(generator, asked, 8)
    assert "the model's context 512" in str(got[asked[2].item])
    assert sum(isinstance(reply, Reply) for reply in got.values()) == 2


# ------------------------------------------------------------------------------------------------------------- other models


def test_models_that_cannot_be_decoded_by_row_say_why_and_answer_alike(tiny_qwen2: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_qwen2)
    common = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.5}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 32, "sliding_window": 8}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        models = {
            "its blocks do not all attend to everything before": MistralForCausalLM(
                MistralConfig(**common, **ends, **heads)
            ),
            "its forward pass takes no past_key_values": MambaForCausalLM(MambaConfig(**common, **ends, state_size=8)),
        }
    for reason, model in models.items():
        folder = tmp_path / type(model).__name__
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        generator = Generator(load(folder, device="cpu"))
        asked = requests(stop=("e",))
        assert answers(generator, asked, 3) == alone(generator, asked)
        assert generator.decoder.by_batch == reason


def test_a_model_whose_logits_differ_row_by_row_is_found_out(qwen: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions that are counted from somewhere else, say."""
    forward = type(qwen.model.model).forward

    def shifted(self: object, *args: object, position_ids: torch.Tensor | None = None, **kwargs: object) -> object:
        shift = 0 if position_ids is None else position_ids.shape[0]
        return forward(self, *args, position_ids=None if position_ids is None else position_ids * shift, **kwargs)

    monkeypatch.setattr(type(qwen.model.model), "forward", shifted)
    assert qwen.decoder.by_batch == "its logits differ when it is decoded row by row"


# ------------------------------------------------------------------------------------------------------------------- drawing


@pytest.mark.parametrize("temperature", [0.0, 0.2, 1.0, 5.0])
@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_drawing_is_the_argmax_over_the_noise_of_every_token(temperature: float, top_p: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(64, 3000, generator=generator)
    keys = torch.randint(2**62, (64,), generator=generator)
    positions = torch.arange(64) % 7
    tokens, finite = draw(logits, keys, positions, Sampling(temperature=temperature, top_p=top_p))
    assert finite.all()
    for row, (key, position) in enumerate(zip(keys, positions.tolist(), strict=True)):
        scores = logits[row : row + 1]
        if temperature:
            scores = scores / temperature
            scores = keep_top_p(scores, top_p) if top_p < 1 else scores
            scores = scores + gumbel_noise(key[None], position, 3000)
        assert tokens[row] == scores.argmax()


@pytest.mark.parametrize("temperature", [0.0, 0.2, 5.0])
def test_a_row_that_is_no_number_leaves_the_others_alone(temperature: float) -> None:
    logits = 4 * torch.randn(6, 3000, generator=torch.Generator().manual_seed(0))
    keys, positions = torch.arange(6), torch.arange(6)
    whole, _ = draw(logits, keys, positions, Sampling(temperature=temperature))
    logits[2, 17] = float("nan")
    tokens, finite = draw(logits, keys, positions, Sampling(temperature=temperature))
    assert finite.tolist() == [True, True, False, True, True, True]
    assert torch.equal(tokens[finite], whole[finite])


def test_an_unasked_decoder_yields_nothing(qwen: Generator) -> None:
    assert list(qwen.decoder.decode([], HOT, 8)) == []
    (step, *_) = qwen.decoder.decode([Ask([5], 1, 1, ())], HOT, 8)
    assert [one.number for one in step.ended] == [0]
