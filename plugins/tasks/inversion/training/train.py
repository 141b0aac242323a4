"""Train `pocket-shell` on the goals' training split, from scratch or `--from` a folder.

    python -m harness_plugins.tasks.inversion.training.train --steps 1500 --seed 1 --out FOLDER

A Qwen2 of about 1.5 M parameters, three blocks deep.
"""

from __future__ import annotations

from itertools import islice
from random import Random

import torch
from transformers import PreTrainedTokenizerBase, Qwen2ForCausalLM

from harness_plugins.tasks.inversion.training.text import examples, phrases
from harness_plugins.tasks.pocket_training.batches import batches
from harness_plugins.tasks.pocket_training.command import arguments
from harness_plugins.tasks.pocket_training.loop import Schedule, fit, pocket_model, trained
from harness_plugins.tasks.pocket_training.tokenizer import learn_tokenizer

VOCABULARY = 640
CONTEXT = 512
BLOCKS = 3
_TOKENIZER_SAMPLE = 4_000  # examples


def main() -> None:
    args = arguments(__doc__, steps=1500, batch=32, rate=2e-3)
    torch.manual_seed(args.seed)
    model, tokenizer = trained(args.start) if args.start else fresh(args.seed)
    stream = batches(tokenizer, examples(args.seed), args.batch, Random(args.batch))
    fit(model, tokenizer, stream, Schedule(steps=args.steps, rate=args.rate), args.out)


def fresh(seed: int) -> tuple[Qwen2ForCausalLM, PreTrainedTokenizerBase]:
    texts = ("\n".join(example) for example in islice(examples(seed), _TOKENIZER_SAMPLE))
    tokenizer = learn_tokenizer(texts, VOCABULARY, CONTEXT, phrases())
    return pocket_model(tokenizer, BLOCKS, CONTEXT), tokenizer


if __name__ == "__main__":
    main()
