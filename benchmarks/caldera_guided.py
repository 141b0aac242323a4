"""Do token-weighted Hessians lose less on a real model, at equal size?

    OMP_NUM_THREADS=1 python benchmarks/caldera_guided.py MODEL [SEQUENCES]

Calibrated on SEQUENCES (32) texts of 512 tokens that the model samples itself; KL divergence from the untouched model (nats a
token, 95 % over texts) on 16 other such texts, all tokens, and on the 64 answers of `fidelity`, answer tokens.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import torch

from harness.checkpoints.pretrained import load_model
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.self_samples import self_samples
from harness.contract import Chat
from harness.models.generate import Generator
from harness.models.load import load
from harness.registry.sources import resolve
from harness.stats.intervals import t_quantile
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.plugin import Caldera
from harness_plugins.tasks.fidelity.spec import FidelityParams
from harness_plugins.tasks.fidelity.suite import Fidelity

Text = tuple[list[int], int]  # tokens, and the first that is scored


def answers(folder: Path) -> list[Text]:
    """`fidelity`'s texts as token ids."""
    suite = Fidelity(FidelityParams())
    generator = Generator(load(folder, "cpu", "float32"), Chat())
    prompts = [prompt for item in suite.items() for prompt in suite.prompts(item)]
    pairs = [(generator.encode(prompt), generator.encode_target(prompt)) for prompt in prompts]
    return [([*before, *target], len(before)) for before, target in pairs]


@torch.inference_mode()
def distributions(folder: Path, texts: Sequence[Text]) -> list[torch.Tensor]:
    """(T, V) log-probabilities over the scored tokens of each text."""
    model = load_model(folder, dtype=torch.float32).eval()
    return [model(torch.tensor([tokens])).logits[0, first - 1 : -1].log_softmax(-1) for tokens, first in texts]


def divergences(source: Sequence[torch.Tensor], folder: Path, texts: Sequence[Text]) -> list[float]:
    """Mean KL(source ‖ model) of each text, one text's distributions in memory at a time."""
    model = load_model(folder, dtype=torch.float32).eval()
    found = []
    with torch.inference_mode():
        for p, (tokens, first) in zip(source, texts, strict=True):
            q = model(torch.tensor([tokens])).logits[0, first - 1 : -1].log_softmax(-1)
            found.append(float((p.exp() * (p - q)).sum(-1).mean()))
    return found


def mean_with_interval(values: Sequence[float]) -> str:
    """The mean and its 95 % t interval."""
    reach = t_quantile(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{fmean(values):.4f} ± {reach:.4f}"


def main() -> int:
    folder = resolve(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    own: list[Text] = [(tokens, 1) for tokens in self_samples(folder, 16, 256, 1, "cpu")]
    told = answers(folder)
    sources = [distributions(folder, texts) for texts in (own, told)]
    print(f"    OMP_NUM_THREADS=1 python benchmarks/caldera_guided.py {' '.join(sys.argv[1:])}\n")
    print("| arm | bits/weight | own text | answers | seconds |\n|---|---|---|---|---|", flush=True)
    arms = {
        f"gptq{bits}, {hessian}": CalderaParams(bits=bits, rank=0, hessian=hessian)
        for bits in (2, 3)
        for hessian in ("plain", "guided")
    }
    with tempfile.TemporaryDirectory(prefix="harness-guided-") as scratch:
        for name, params in arms.items():
            begun = time.monotonic()
            out = Path(scratch) / name.replace(", ", "-")
            made = compress(folder, Caldera(params), CalibrationSource(sequences=count), out)
            seconds = time.monotonic() - begun
            cells = []
            for source, texts in zip(sources, (own, told), strict=True):
                cells.append(mean_with_interval(divergences(source, out, texts)))
            print(f"| {name} | {made.size.bits_per_weight:.3f} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
