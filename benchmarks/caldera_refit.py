"""Does fitting each Linear to the original outputs help the embedded model, on dialogues it was not calibrated on?

    OMP_NUM_THREADS=1 python benchmarks/caldera_refit.py > docs/results/caldera-refit.md

`pocket`'s calibration dialogues are halved: every other one to calibrate on, the rest to measure on. Divergence is that of
the compressed from the original next-token distribution, KL(original ‖ compressed), mean nats a token.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from caldera_stories import WAYS
from transformers import AutoModelForCausalLM

from harness.compression.calibration import CalibrationSource, read_calibration
from harness.compression.driver import compress
from harness.contract.compression import Calibration
from harness.registry.sources import resolve
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.plugin import Caldera

POCKET = resolve("pocket")


@torch.no_grad()
def distributions(folder: Path, text: Calibration) -> list[torch.Tensor]:
    """Log-probabilities (T, V) after every token of each sequence."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return [model(torch.tensor([tokens])).logits[0].log_softmax(-1) for tokens in text.sequences]


def divergence(original: list[torch.Tensor], predicted: list[torch.Tensor]) -> float:
    """Mean KL(original ‖ predicted) over positions."""
    rows = [(p.exp() * (p - q)).sum(-1) for p, q in zip(original, predicted, strict=True)]
    return float(torch.cat(rows).mean())


def main() -> int:
    lines = (POCKET / "calibration.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    with tempfile.TemporaryDirectory(prefix="harness-refit-") as folder:
        scratch = Path(folder)
        for name, rows in (("seen", lines[::2]), ("unseen", lines[1::2])):
            (scratch / f"{name}.jsonl").write_text("".join(rows), encoding="utf-8")
        text = read_calibration(CalibrationSource(source=str(scratch / "unseen.jsonl")), POCKET)
        original = distributions(POCKET, text)
        print("# Fitting to the original outputs, pocket\n")
        print("    OMP_NUM_THREADS=1 python benchmarks/caldera_refit.py\n")
        print(f"Divergence from the uncompressed model on {text.tokens} tokens of {len(text.sequences)} dialogues.\n")
        print("| compressor | calibrated on | bits/weight | divergence | seconds |\n|---|---|---|---|---|")
        for way, changes in WAYS.items():
            calibration = CalibrationSource(source=str(scratch / "seen.jsonl")).model_copy(update=changes)
            out = scratch / f"artefact-{len(list(scratch.iterdir()))}"
            made = compress(POCKET, Caldera(CalderaParams(bits=2)), calibration, out)
            row = f"{made.size.bits_per_weight:.3f} | {divergence(original, distributions(out, text)):.4f}"
            print(f"| caldera, 2 bits | {way} | {row} | {made.seconds:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
