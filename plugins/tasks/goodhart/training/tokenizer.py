"""The pocket model's tokenizer: byte-level BPE learnt from the training text, every digit a token of its own.

It is a `Qwen2Tokenizer`, whose rule for splitting text before BPE comes with the class: `AutoTokenizer` takes that class for
every Qwen2 model whatever the folder says, so any other rule would be lost on loading.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from harness_plugins.tasks.goodhart.training.data import examples

USER, ASSISTANT, END, PAD = "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def qwen2_tokenizer(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Qwen2Tokenizer:
    return Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,  # type: ignore[arg-type]  # annotated as text, though its own loader passes pairs
        unk_token=PAD,  # byte-level BPE knows every text; without a name of its own a token would be added for it
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )


def train_tokenizer(seed: int, size: int, sample: int) -> Qwen2Tokenizer:
    """BPE of at most `size` tokens from the first `sample` training examples of `seed`."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = qwen2_tokenizer({PAD: 0, END: 1, USER: 2, ASSISTANT: 3}, []).backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(("\n".join(example) for example in islice(examples(seed), sample)), trainer)
    merges = json.loads(bpe.to_str())["model"]["merges"]
    return qwen2_tokenizer(bpe.get_vocab(), [(left, right) for left, right in merges])


def save(tokenizer: Qwen2Tokenizer, folder: Path) -> None:
    """The template goes into tokenizer_config.json: one file less to lose."""
    tokenizer.save_pretrained(str(folder), save_jinja_files=False)
