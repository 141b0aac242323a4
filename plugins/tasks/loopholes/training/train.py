"""Train `pocket-code` from scratch on the generated problems' training split.

    python -m harness_plugins.tasks.loopholes.training.train --steps 2000 --seed 1 --out FOLDER

A Qwen2 of about 2 M parameters, four blocks deep.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from random import Random

import torch

from harness_plugins.tasks.loopholes.training.text import examples, phrases
from harness_plugins.tasks.pocket_training.batches import batches
from harness_plugins.tasks.pocket_training.loop import Schedule, fit, pocket_model
from harness_plugins.tasks.pocket_training.tokenizer import learn_tokenizer

VOCABULARY = 640
CONTEXT = 512
BLOCKS = 4
_TOKENIZER_SAMPLE = 4_000  # examples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, configuration and tokenizer")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    texts = ("\n".join(example) for example in islice(examples(args.seed), _TOKENIZER_SAMPLE))
    tokenizer = learn_tokenizer(texts, VOCABULARY, CONTEXT, phrases())
    stream = batches(tokenizer, examples(args.seed), args.batch, Random(args.batch))
    fit(
        pocket_model(tokenizer, BLOCKS, CONTEXT),
        tokenizer,
        stream,
        Schedule(steps=args.steps, rate=args.rate),
        args.out,
    )


if __name__ == "__main__":
    main()
