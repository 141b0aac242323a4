"""Models and data that tests of every area share.

Nothing is downloaded: `tiny_qwen2` is built on the spot, third-party data is used where it lies beside the project.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny tensors: more threads only spin against each other
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for the hub should fail at once

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of third-party data beside the project (`../shared/data`)."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"third-party data is not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def stories260k(shared_data: Path) -> Path:
    """A real pretrained Llama: 260 k parameters, 5 blocks, d=64, ffn 172, 512 tokens, tied head, no chat template."""
    folder = shared_data / "stories260k"
    if not (folder / "model.safetensors").is_file():
        pytest.skip(f"the stories260k checkpoint is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny_qwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2 with its tokenizer: 3 blocks, d=64, ffn 96, grouped queries, biases that are not zero, a tied head
    and a chat template. Same weights in every session; treat the folder as read-only."""
    folder = tmp_path_factory.mktemp("tiny_qwen2")
    build_tiny_qwen2(folder)
    return folder


def build_tiny_qwen2(folder: Path, seed: int = 0) -> None:
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
