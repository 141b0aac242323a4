"""The command line of a pocket model's training script."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(description: str | None, *, steps: int, batch: int, rate: float) -> argparse.Namespace:
    """--out, --steps, --batch, --rate and --seed, with that model's defaults; `rate` is the peak learning rate."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, configuration and tokenizer")
    parser.add_argument("--from", type=Path, dest="start", help="folder of a model to go on from, with its tokenizer")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()
