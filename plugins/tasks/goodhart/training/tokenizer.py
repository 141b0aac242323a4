"""The pocket model's tokenizer: byte-level BPE learnt from the training text, every digit a token of its own."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    from pathlib import Path

USER, ASSISTANT, END, PAD = "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"

# A digit; or a word or a run of signs, each with the space before it, and with the space after it where a digit follows:
# "is 25 - 5." is "is |2|5| - |5|."
PIECE = r"\d|[^\S\n]?(?:\p{L}+|[^\s\d\p{L}]+)(?:[^\S\n](?=\d))?|\s+"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def train_tokenizer(seed: int, size: int, sample: int) -> PreTrainedTokenizerFast:
    """BPE of `size` tokens from the first `sample` training examples of `seed`."""
    from harness_plugins.tasks.goodhart.training.data import examples

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECE), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(("\n".join(example) for example in islice(examples(seed), sample)), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )


def save(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """The template goes into tokenizer_config.json: one file less to lose."""
    tokenizer.save_pretrained(str(folder), save_jinja_files=False)
