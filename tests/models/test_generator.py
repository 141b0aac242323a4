"""Replies are what sampling token by token gives, whatever the batch; batches depend on nothing but the requests."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, MambaConfig, MambaForCausalLM

from harness.contract import Prompt, Reply
from harness.errors import StageError
from harness.models.generate import Generator, Request
from harness.models.load import LoadedModel, load
from harness.models.sampling import Sampling, gumbel_noise

GREEDY = Sampling()
WARM = Sampling(temperature=0.8)
TEXTS = (
    "Once upon a time",
    "The dog",
    "Lily and Tom went to the park. They saw a big red ball and",
    "One day, a cat",
    "Mom said",
    "The sun was hot, so Tim",
)


def prompts(max_tokens: int = 16, **fields: object) -> list[Prompt]:
    return [Prompt.model_validate({"role": "story", "text": t, "max_tokens": max_tokens, **fields}) for t in TEXTS]


def requests(repeats: int = 1, max_tokens: int = 16) -> list[Request]:
    return [
        Request(item=f"item-{n}", repeat=repeat, prompt=prompt.model_copy(update={"role": role}))
        for repeat in range(repeats)
        for role in ("understanding", "execution")
        for n, prompt in enumerate(prompts(max_tokens))
    ]


@pytest.fixture(scope="module")
def stories(stories260k: Path) -> Generator:
    return Generator(load(stories260k, device="cpu"))


@pytest.fixture(scope="module")
def qwen(tiny_qwen2: Path) -> Generator:
    return Generator(load(tiny_qwen2, device="cpu"))


def ask_all(
    generator: Generator, asked: list[Request], batch_size: int, sampling: Sampling = WARM
) -> dict[tuple, Reply]:
    replies = {}
    for batch in generator.batches(asked, batch_size):
        for request, reply in zip(batch, generator.ask(batch, seed=1, suite="s", sampling=WARM), strict=True):
            replies[request.item, request.role, request.repeat] = reply
    return replies


@torch.inference_mode()
def one_by_one(loaded: LoadedModel, tokens: list[int], key: int, sampling: Sampling, limit: int) -> list[int]:
    """What the generator promises, written as a loop over one request without batch, padding or cache."""
    new: list[int] = []
    while len(new) < limit and not (new and new[-1] in loaded.eos):
        logits = loaded.model(torch.tensor([tokens + new])).logits[0, -1]
        if not sampling.greedy:
            logits = logits / sampling.temperature + gumbel_noise(torch.tensor([key]), len(new), len(logits))[0]
        new.append(int(logits.argmax()))
    return new


# ---------------------------------------------------------------------------------------------------- replies


@pytest.mark.parametrize("sampling", [GREEDY, WARM, Sampling(temperature=1.5)])
@pytest.mark.parametrize("name", ["stories", "qwen"])
def test_replies_are_what_sampling_token_by_token_gives(
    name: str, sampling: Sampling, request: pytest.FixtureRequest
) -> None:
    generator: Generator = request.getfixturevalue(name)
    limit, keys = 20, list(range(100, 100 + len(TEXTS)))
    replies = generator.generate(prompts(limit), keys, sampling)
    for prompt, key, reply in zip(prompts(limit), keys, replies, strict=True):
        new = one_by_one(generator.loaded, generator.encode(prompt), key, sampling, limit)
        assert reply.text == generator.tokenizer.decode(new, skip_special_tokens=True)
        assert reply.tokens == len(new)
        assert reply.truncated == (new[-1] not in generator.loaded.eos)


def test_a_reply_ends_at_its_eos_which_counts_and_is_not_shown(qwen: Generator) -> None:
    hot = Sampling(temperature=20.0)  # uniform over 384 tokens: about a quarter of the replies meet eos within 100
    asked = prompts(100) * 4
    replies = qwen.generate(asked, range(1000, 1000 + len(asked)), hot)
    ended = [reply for reply in replies if not reply.truncated]
    assert 0 < len(ended) < len(replies)
    assert all(reply.tokens == 100 for reply in replies if reply.truncated)
    assert len({reply.tokens for reply in ended}) > 1
    assert not any("<|" in reply.text for reply in replies)


@pytest.mark.parametrize("name", ["stories", "qwen"])
def test_replies_do_not_depend_on_batch_size_order_or_padding(name: str, request: pytest.FixtureRequest) -> None:
    generator: Generator = request.getfixturevalue(name)
    asked = requests(max_tokens=12)
    alone = ask_all(generator, asked, batch_size=1)
    assert ask_all(generator, asked, batch_size=4) == alone
    assert ask_all(generator, asked[::-1], batch_size=64) == alone
    shuffled = random.Random(0).sample(prompts(), len(TEXTS))
    keys = [Request(item=f"item-{TEXTS.index(p.text)}", repeat=0, prompt=p).key(1, "s") for p in shuffled]
    by_hand = generator.generate(shuffled, keys, WARM)
    assert by_hand == [generator.generate([p], [k], WARM)[0] for p, k in zip(shuffled, keys, strict=True)]


def test_absolute_positions_do_not_see_the_padding(shared_data: Path) -> None:
    generator = Generator(load(shared_data / "gpt2-tarot", device="cpu"))
    asked = requests(max_tokens=20)
    assert ask_all(generator, asked, batch_size=6) == ask_all(generator, asked, batch_size=1)


def test_rows_that_have_ended_are_left_out(qwen: Generator) -> None:
    sizes: list[int] = []

    def count(_: object, __: object, inputs: dict) -> None:
        if isinstance(inputs["logits_to_keep"], int):  # a step, not a prompt that is read
            sizes.append(len(inputs["input_ids"]))

    assert qwen.decoder.by_batch is None  # its proof reads two rows
    hook = qwen.loaded.model.register_forward_pre_hook(count, with_kwargs=True)
    asked, hot = prompts(60, stop=("e",)) * 2, Sampling(temperature=3.0)  # "e" turns up sooner or later in each reply
    together = qwen.generate(asked, range(len(asked)), hot)
    hook.remove()
    assert sizes == [sum(reply.tokens > step for reply in together) for step in range(len(sizes))]
    assert sizes[0] == len(asked) > sizes[-1] > 0
    assert together == [qwen.generate([p], [k], hot)[0] for k, p in enumerate(asked)]


def test_a_model_without_a_key_value_cache_can_be_asked(tiny_qwen2: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_qwen2)
    config = MambaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        state_size=8,
        num_hidden_layers=2,
        initializer_range=0.5,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        MambaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    generator = Generator(load(tmp_path, device="cpu"))
    asked, hot = prompts(30, stop=("e",)), Sampling(temperature=5.0)
    together = generator.generate(asked, range(6), hot)
    assert len({reply.tokens for reply in together}) > 2
    assert together == [generator.generate([p], [k], hot)[0] for k, p in enumerate(asked)]


def test_the_same_model_loaded_twice_gives_the_same_replies(stories: Generator, stories260k: Path) -> None:
    again = Generator(load(stories260k, device="cpu"))
    torch.manual_seed(123)  # no global random state is read …
    before = torch.random.get_rng_state()
    assert ask_all(again, requests(), 3) == ask_all(stories, requests(), 3)
    assert torch.equal(torch.random.get_rng_state(), before)  # … or moved


def test_repeats_roles_and_seeds_draw_anew(stories: Generator) -> None:
    prompt = prompts()[0]
    texts = set()
    for seed, role, repeat in ((1, "u", 0), (1, "u", 1), (1, "e", 0), (2, "u", 0)):
        asked = Request(item="a", repeat=repeat, prompt=prompt.model_copy(update={"role": role}))
        texts.add(stories.ask([asked], seed=seed, suite="s", sampling=Sampling(temperature=1.5))[0].text)
    assert len(texts) == 4


def test_a_slightly_changed_model_agrees_far_more_often_than_independent_sampling(
    stories: Generator, stories260k: Path
) -> None:
    changed = Generator(load(stories260k, device="cpu"))
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in changed.loaded.model.parameters():
            weight += 0.01 * weight.std(correction=0) * torch.randn(weight.shape, generator=noise)

    def same_texts(left: Generator, right: Generator, shift: int) -> float:
        asked, keys = prompts(12) * 8, list(range(8 * len(TEXTS)))
        ours = left.generate(asked, keys, Sampling(temperature=1.0))
        theirs = right.generate(asked, [key + shift for key in keys], Sampling(temperature=1.0))
        return sum(a.text == b.text for a, b in zip(ours, theirs, strict=True)) / len(asked)

    coupled, independent = same_texts(stories, changed, shift=0), same_texts(stories, changed, shift=10_000)
    assert coupled > 0.5, (coupled, independent)
    assert independent < 0.1, (coupled, independent)


def test_the_models_own_sampling_defaults_are_dropped(tiny_qwen2: Path, qwen: Generator, tmp_path: Path) -> None:
    folder = tmp_path / "opinionated"
    shutil.copytree(tiny_qwen2, folder)
    own = {"do_sample": True, "temperature": 0.6, "top_k": 3, "repetition_penalty": 1.5, "min_new_tokens": 9}
    config = folder / "generation_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | own))
    assert Generator(load(folder, device="cpu")).generate(prompts(), range(6), WARM) == qwen.generate(
        prompts(), range(6), WARM
    )


# ---------------------------------------------------------------------------------------------------- stop


def test_stop_strings_end_a_reply_and_are_cut_from_it(stories: Generator) -> None:
    keys = range(len(TEXTS))
    free = stories.generate(prompts(60), keys, WARM)
    stopped = stories.generate(prompts(60, stop=(". ", " and")), keys, WARM)
    for whole, cut in zip(free, stopped, strict=True):
        assert whole.text.startswith(cut.text)
        assert ". " not in cut.text
        assert " and" not in cut.text
        assert cut.text != whole.text, "stories of 60 tokens hold a full stop"
        assert cut.tokens < whole.tokens
        assert not cut.truncated


def test_a_stop_string_may_be_spread_over_tokens_and_start_inside_one(stories: Generator) -> None:
    (whole,) = stories.generate(prompts(40)[:1], [7], WARM)
    text = whole.text
    start = len(text) // 2
    stop = text[start : start + 5]
    (cut,) = stories.generate(prompts(40, stop=(stop,))[:1], [7], WARM)
    assert cut.text == text[: text.index(stop)]
    assert not cut.truncated
    assert cut.tokens < whole.tokens


# ---------------------------------------------------------------------------------------------------- context


def test_the_context_shortens_a_reply_and_marks_it(stories: Generator) -> None:
    context = stories.loaded.context
    assert context == 512
    long = Prompt(role="story", text="The cat sat. " * 83, max_tokens=300)
    length = len(stories.encode(long))
    assert context - 30 < length < context
    (reply,) = stories.generate([long], [0], Sampling(temperature=0.1))
    assert reply.truncated
    assert reply.tokens == context - length < long.max_tokens
    (short,) = stories.generate([long.model_copy(update={"max_tokens": 5})], [0], Sampling(temperature=0.1))
    assert reply.text.startswith(short.text)
    assert (short.tokens, short.truncated) == (5, True)


def test_each_row_has_its_own_room_in_the_context(shared_data: Path) -> None:
    generator = Generator(load(shared_data / "gpt2-tarot", device="cpu"))  # its 64 positions are learned: a 65th raises
    asked = [Request(item=str(n), repeat=0, prompt=prompt) for n, prompt in enumerate(prompts(max_tokens=100))]
    (batch,) = generator.batches(asked, 8)
    together = generator.ask(batch, seed=0, suite="s", sampling=WARM)
    assert together == [generator.ask([request], seed=0, suite="s", sampling=WARM)[0] for request in batch]
    cut = [(reply, request) for reply, request in zip(together, batch, strict=True) if reply.truncated]
    assert len({reply.tokens for reply, _ in cut}) > 1
    assert all(reply.tokens == 64 - len(generator.encode(request.prompt)) for reply, request in cut)


def test_a_prompt_beyond_the_context_fails_alone_with_its_length(stories: Generator) -> None:
    asked = requests()
    endless = Request(item="endless", repeat=0, prompt=Prompt(role="execution", text="The cat sat. " * 400))
    batches = stories.batches([*asked, endless], batch_size=64)
    assert [endless] in batches
    assert sorted(map(len, batches)) == [1, 6, 6]
    with pytest.raises(StageError, match=r"role 'execution' has \d+ tokens, the model's context 512"):
        stories.ask([endless], seed=1, suite="s", sampling=GREEDY)


# ---------------------------------------------------------------------------------------------------- batches


def test_batches_partition_the_requests_whatever_their_order(qwen: Generator) -> None:
    asked = requests(repeats=3)
    batches = qwen.batches(asked, batch_size=4)
    assert sorted((r.item, r.role, r.repeat) for batch in batches for r in batch) == sorted(
        (r.item, r.role, r.repeat) for r in asked
    )
    assert qwen.batches(random.Random(1).sample(asked, len(asked)), batch_size=4) == batches
    for batch in batches:
        assert len(batch) <= 4
        assert len({(request.repeat, request.role, request.prompt.max_tokens) for request in batch}) == 1
        lengths = [len(qwen.encode(request.prompt)) for request in batch]
        assert lengths == sorted(lengths)


def test_more_repeats_add_batches_and_change_none(qwen: Generator) -> None:
    few, many = qwen.batches(requests(repeats=2), 4), qwen.batches(requests(repeats=5), 4)
    assert many[: len(few)] == few


def test_items_of_equal_length_are_ordered_by_id(qwen: Generator) -> None:
    same = [Request(item=name, repeat=0, prompt=prompts()[0]) for name in ("c", "a", "b")]
    assert [[request.item for request in batch] for batch in qwen.batches(same, 2)] == [["a", "b"], ["c"]]


def test_requests_with_different_limits_do_not_share_a_batch(qwen: Generator) -> None:
    long, short = prompts(30)[0], prompts(10)[0]
    stopped, scored = prompts(10, stop=("x",))[0], prompts(10, target=" was")[0]
    asked = [Request(item=str(n), repeat=0, prompt=p) for n, p in enumerate([long, short, stopped, scored])]
    assert sorted(map(len, qwen.batches(asked, 8))) == [1, 1, 1, 1]


# ---------------------------------------------------------------------------------------------------- encode


def test_a_chat_model_sees_one_user_turn_and_a_plain_model_the_text(qwen: Generator, stories: Generator) -> None:
    prompt = Prompt(role="execution", text="How much flour?")
    assert qwen.tokenizer.decode(qwen.encode(prompt)) == (
        "<|im_start|>user\nHow much flour?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert stories.encode(prompt) == stories.tokenizer("How much flour?")["input_ids"]


# ---------------------------------------------------------------------------------------------------- failures


def test_logits_that_are_not_numbers_are_an_error_not_a_reply(tiny_qwen2: Path) -> None:
    damaged = Generator(load(tiny_qwen2, device="cpu"))
    with torch.no_grad():
        damaged.loaded.model.model.norm.weight[3] = float("nan")
    for sampling in (GREEDY, WARM):
        with pytest.raises(StageError, match="not finite"):
            damaged.generate(prompts(), range(6), sampling)
    with pytest.raises(StageError, match="not finite"):
        damaged.log_likelihood(prompts(target="flour"))


def test_running_out_of_memory_names_the_remedy(tiny_qwen2: Path) -> None:
    generator = Generator(load(tiny_qwen2, device="cpu"))
    hook = generator.loaded.model.register_forward_pre_hook(lambda *_: torch.empty(2**60))  # no machine has this
    with pytest.raises(StageError, match=r"a batch of 6 ran out of memory \(lower --batch-size\)"):
        generator.generate(prompts(), range(6), GREEDY)
    hook.remove()
    assert len(generator.generate(prompts(), range(6), GREEDY)) == 6


def test_a_tokenizer_larger_than_the_model_is_an_error(tiny_qwen2: Path) -> None:
    generator = Generator(load(tiny_qwen2, device="cpu"))
    generator.tokenizer.add_tokens(["qwertyuiop"])
    with pytest.raises(StageError, match="makes token 384, and the model knows 384"):
        generator.generate([Prompt(role="r", text="qwertyuiop")], [0], GREEDY)
