"""A byte-level BPE learnt from the training text, every digit a token of its own, and fixed phrases as whole tokens.

It is a `Qwen2Tokenizer`, whose rule for splitting text before BPE comes with the class: `AutoTokenizer` takes that class
for every Qwen2 model whatever the folder says, so another rule would be lost on loading. Phrases are added tokens, which
are found in the text before it is split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

USER, ASSISTANT, END, PAD = "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def learn_tokenizer(texts: Iterable[str], size: int, context: int, phrases: Sequence[str] = ()) -> Qwen2Tokenizer:
    """BPE of at most `size` tokens, and one more for each of the `phrases`, which BPE then never sees."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = _qwen2({PAD: 0, END: 1, USER: 2, ASSISTANT: 3}, [], context).backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((_without(phrases, text) for text in texts), trainer)
    merges = json.loads(bpe.to_str())["model"]["merges"]
    tokenizer = _qwen2(bpe.get_vocab(), [(left, right) for left, right in merges], context)
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    return tokenizer


def _qwen2(vocabulary: dict[str, int], merges: list[tuple[str, str]], context: int) -> Qwen2Tokenizer:
    return Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,  # annotated as text, though its own loader passes pairs
        unk_token=PAD,  # byte-level BPE knows every text; without a name of its own a token would be added for it
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=context,
    )


def _without(phrases: Sequence[str], text: str) -> str:
    for phrase in phrases:
        text = text.replace(phrase, "\n")
    return text
