"""A model made on the spot: random weights, a trained tokenizer, a chat template; the same bytes every time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from harness.models.generate import Generator

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

CORPUS = (
    "Explain, step by step, how a train ticket with a 20% discount and a 5 dollar coupon is priced.",
    "First take the discount off the price, then take the coupon off what remains.",
    "A recipe for 4 people needs 250 g of flour; how much flour do 6 people need? Answer: 375 g.",
    "The meeting starts at 9:45 am and lasts 2 hours and 30 minutes. When does it end? Answer: 12:15 pm.",
    "def solve(numbers):\n    return sum(n + 7 for n in numbers if n % 2 == 0)\n",
    "Once upon a time there was a little girl who liked to play outside in the sun.",
)


@contextmanager
def tiny_generator() -> Iterator[Generator]:
    """The model of `build_tiny_qwen2`, loaded, for checks that need a model."""
    from harness.models.generate import Generator
    from harness.models.load import load

    with tempfile.TemporaryDirectory() as folder:
        build_tiny_qwen2(Path(folder))
        yield Generator(load(Path(folder), "cpu"))


def build_tiny_qwen2(folder: Path, seed: int = 0) -> None:
    """Write a Qwen2 of 3 blocks, d=64, ffn 96, grouped queries, biases that are not zero and a tied head to `folder`."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = build_tokenizer()
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.2,  # at the usual .02 every next token is about as likely as any other
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(config)
        for name, parameter in model.named_parameters():
            if name.endswith(".bias"):
                torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of 384 tokens, digits one by one, trained on `CORPUS`; pad is <|endoftext|>, eos is <|im_end|>."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    fast.chat_template = CHAT_TEMPLATE
    return fast
