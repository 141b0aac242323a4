"""Our GPTQ beside llm-compressor's, on the same matrices and second moments.

    OMP_NUM_THREADS=1 python benchmarks/gptq_reference.py MODEL TEXT --rival PYTHON [--blocks 0 15 29] [--bits 4 3 2]

Every Linear of the blocks is rounded in groups of 64 under H of the original model's activations on TEXT, by ours and
by llm-compressor's own `quantize_weight` (symmetric grid, scales of the extremes, damping 0.01, static act-order),
which PYTHON has. Rows: the geometric mean over Linears of E = tr(D H Dᵀ) / tr(W H Wᵀ), for how many Linears ours is the
smaller, and seconds. Round to nearest on the library's grid is the floor of both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import geometric_mean

import torch
from caldera_starts import inputs
from safetensors.torch import load_file, save_file

from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule
from harness_plugins.compressors.caldera.linears import compress_linears

GROUP = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("text")
    parser.add_argument("--rival", type=Path, required=True, help="an interpreter that has llm-compressor")
    parser.add_argument("--blocks", type=int, nargs="+", default=[0, 15, 29])
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 3, 2])
    given = parser.parse_args()
    found = [
        (weight, hessian) for hessian, weights in inputs(given.model, given.text, given.blocks) for weight in weights
    ]
    print(
        f"{len(found)} Linears of blocks {', '.join(map(str, given.blocks))} of {given.model.name}, groups of {GROUP}.\n"
    )
    print("| bits | side | E, geometric mean | ours is smaller for | seconds |")
    print("|---|---|---|---|---|")
    for bits in given.bits:
        begun = time.perf_counter()
        ours = [relative(weight, hessian, rounded(weight, hessian, bits)) for weight, hessian in found]
        seconds = time.perf_counter() - begun
        theirs, nearest, spent = by_rival(given.rival, found, bits)
        best = sum(a < b for a, b in zip(ours, theirs, strict=True))
        print(f"| {bits} | ours | {geometric_mean(ours):.5f} | {best} of {len(found)} | {seconds:.0f} |")
        print(f"| {bits} | llm-compressor | {geometric_mean(theirs):.5f} | | {spent:.0f} |")
        print(f"| {bits} | nearest, on its grid | {geometric_mean(nearest):.5f} | | |", flush=True)


def rounded(weight: torch.Tensor, hessian: torch.Tensor, bits: int) -> torch.Tensor:
    """As the presets gptq* do."""
    decision = Decision(bits=bits, rank=0, group=GROUP)
    return compress_linears({"w": weight}, hessian, {"w": decision}, Schedule())["w"].dequantize()


def relative(weight: torch.Tensor, hessian: torch.Tensor, stored: torch.Tensor) -> float:
    def cost(matrix: torch.Tensor) -> float:
        return float((matrix @ hessian * matrix).sum(dtype=torch.float64))

    return cost(weight - stored) / cost(weight)


def by_rival(
    python: Path, found: list[tuple[torch.Tensor, torch.Tensor]], bits: int
) -> tuple[list[float], list[float], float]:
    """E of its GPTQ and of rounding to nearest on the same grid, and the seconds of the former."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.safetensors"), Path(folder, "made.safetensors")
        tensors = {
            f"{name}{i}": one.clone() for i, pair in enumerate(found) for name, one in zip("wh", pair, strict=True)
        }
        save_file(tensors, given)
        script = Path(__file__).with_name("gptq_rival.py")
        subprocess.run([python, script, given, made, str(bits), str(GROUP)], check=True, stdout=sys.stderr)
        stored = load_file(made)
    gptq, nearest = (
        [relative(weight, hessian, stored[f"{side}{i}"]) for i, (weight, hessian) in enumerate(found)]
        for side in ("gptq", "nearest")
    )
    return gptq, nearest, float(stored["seconds"])


if __name__ == "__main__":
    main()
