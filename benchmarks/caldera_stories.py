"""Loss of a small pretrained Llama under `budget`, beside round to nearest at the same bits per weight.

    OMP_NUM_THREADS=1 python benchmarks/caldera_stories.py > docs/results/caldera-stories.md

Every row is an artefact that `harness.compression.driver.compress` wrote and `from_pretrained` loaded. The model is
calibrated on 128 sequences sampled from itself and asked for the loss of a text it was not calibrated on, in 256-token
chunks. Each budget row is made three ways: on the activations of the original model, on those of the compressed prefix, and
on the latter with each Linear fitted to the original model's outputs (the default). Exits 1 if that misses its limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.contract import Compressor
from harness_plugins.compressors.caldera.budget import Budget, BudgetParams
from harness_plugins.compressors.caldera.rtn import Rtn, RtnParams

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LIMITS = {3: 0.35, 2: 0.30}  # of the loss increase of round to nearest
CALIBRATION = CalibrationSource(source="self", sequences=128, length=256)
WAYS = {
    "original activations": {"sequential": False},
    "compressed prefix": {"refit": False},
    "compressed prefix, fitted to the original outputs (default)": {},
}


def loss(folder: Path, chunks: torch.Tensor) -> float:
    """Mean nats per predicted token of chunks (N, 256)."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        losses = [model(input_ids=some, labels=some).loss * len(some) for some in chunks.split(16)]
    return float(sum(losses)) / len(chunks)


def compressed(source: Path, compressor: Compressor, calibration: CalibrationSource, chunks: torch.Tensor) -> tuple:
    """(bits per weight, loss, seconds) of the artefact."""
    with tempfile.TemporaryDirectory(prefix="harness-stories-") as scratch:
        made = compress(source, compressor, calibration, Path(scratch) / "artefact")
        return made.size.bits_per_weight, loss(made.folder, chunks), made.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args(arguments)
    folder, text = options.data / "stories260k", options.data / "text" / "tinystories_valid_head30k.txt"
    tokens = AutoTokenizer.from_pretrained(folder)(text.read_text(), return_tensors="pt").input_ids[0]
    chunks = tokens[: len(tokens) // 256 * 256].view(-1, 256)
    base = loss(folder, chunks)
    print("# Budget against round to nearest, stories260k\n")
    print("    OMP_NUM_THREADS=1 python benchmarks/caldera_stories.py\n")
    print(
        f"Uncompressed loss {base:.4f} on {len(chunks)} chunks of 256 tokens; calibrated on 128 sequences of its own.\n"
    )
    print(
        "| compressor | bits/weight | loss increase | of round to nearest | limit | seconds |\n|---|---|---|---|---|---|"
    )
    missed = False
    for bits, limit in LIMITS.items():
        bpw, nearest, seconds = compressed(folder, Rtn(RtnParams(bits=bits, group=32)), CALIBRATION, chunks)
        label = f"round to nearest, {bits} bits, groups of 32"
        print(f"| {label} | {bpw:.3f} | {nearest - base:.4f} | 1 | | {seconds:.0f} |", flush=True)
        for way, changes in WAYS.items():
            calibration = CALIBRATION.model_copy(update=changes)
            budget = Budget(BudgetParams(bpw=bpw))
            stored, reached, seconds = compressed(folder, budget, calibration, chunks)
            ratio = (reached - base) / (nearest - base)
            missed = missed or (not changes and ratio > limit)
            row = f"{stored:.3f} | {reached - base:.4f} | {ratio:.3f} | {limit if not changes else ''} | {seconds:.0f}"
            print(f"| budget, {way} | {row} |", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
