"""Train `pocket` on the training split of the families and of their matched sets, from scratch or `--from` a folder.

    python -m harness_plugins.tasks.goodhart.training.train --steps 6000 --seed 1 --out FOLDER

A Qwen2 of about 3 M parameters, small enough for a few minutes to matter and deep enough (six blocks) for an allocation
of bits by depth to have something to allocate.
"""

from __future__ import annotations

from itertools import islice
from random import Random

import torch
from transformers import PreTrainedTokenizerBase, Qwen2ForCausalLM

from harness_plugins.tasks.goodhart.training.data import examples
from harness_plugins.tasks.pocket_training.batches import batches
from harness_plugins.tasks.pocket_training.command import arguments
from harness_plugins.tasks.pocket_training.loop import Schedule, fit, pocket_model, trained
from harness_plugins.tasks.pocket_training.tokenizer import learn_tokenizer

VOCABULARY = 1280
CONTEXT = 1024
BLOCKS = 6
_TOKENIZER_SAMPLE = 20_000  # examples


def main() -> None:
    args = arguments(__doc__, steps=6000, batch=16, rate=1.5e-3)
    torch.manual_seed(args.seed)
    model, tokenizer = trained(args.start) if args.start else fresh(args.seed)
    stream = batches(tokenizer, examples(args.seed), args.batch, Random(args.seed))
    fit(model, tokenizer, stream, Schedule(steps=args.steps, rate=args.rate, warmup=100), args.out)


def fresh(seed: int) -> tuple[Qwen2ForCausalLM, PreTrainedTokenizerBase]:
    texts = ("\n".join(example) for example in islice(examples(seed), _TOKENIZER_SAMPLE))
    tokenizer = learn_tokenizer(texts, VOCABULARY, CONTEXT)
    return pocket_model(tokenizer, BLOCKS, CONTEXT), tokenizer


if __name__ == "__main__":
    main()
