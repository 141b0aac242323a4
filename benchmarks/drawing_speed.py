"""How long the next tokens of a batch take to draw, with coupled noise and without.

    python benchmarks/drawing_speed.py [ROWS [VOCABULARY]]

Logits are normal with a standard deviation of 3, about as wide as a model's. `multinomial` draws noise that belongs to the
batch, not to the request: the difference is what coupling costs. At temperature 0 nothing is drawn.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from harness.models.sampling import Sampling, draw

ROUNDS = 15


def main() -> None:
    given = [int(value) for value in sys.argv[1:]]
    rows, vocabulary = [*given, *(64, 49152)[len(given) :]]
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(rows, vocabulary, generator=generator)
    keys = torch.randint(2**62, (rows,), generator=generator)
    places = torch.arange(rows)
    sides: dict[str, Callable[[], object]] = {
        f"temperature {t:g}": partial(draw, logits, keys, places, Sampling(temperature=t)) for t in (0.0, 0.2, 1.0)
    }
    sides["multinomial, temperature 1"] = lambda: torch.multinomial(logits.softmax(dim=-1), 1)
    for name, side in sides.items():
        side()
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            side()
            times.append(time.perf_counter() - begun)
        print(f"{name}: {1000 * statistics.median(times):.1f} ms")


if __name__ == "__main__":
    main()
