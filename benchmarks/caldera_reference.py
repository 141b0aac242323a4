"""The engine beside the published CALDERA code, on the seeded matrices where the latter was measured.

    OMP_NUM_THREADS=1 python benchmarks/caldera_reference.py > docs/results/caldera-reference.md

Prints Markdown. eH is sqrt(tr(D H Dᵀ) / tr(W H Wᵀ)) in the damped calibration Hessian, ePop the same in the population's,
eF the plain relative Frobenius error; seconds are CPU seconds, so that a busy machine does not blur them. The
reference's figures are transcribed, not run: its scalar path with LDLQ and ten coordinate-descent sweeps, rank 64,
rotated, one scale per matrix.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
import time
from collections.abc import Sequence

import caldera_plain
import torch
from caldera_recipe import recipe

from harness.checkpoints.qlr import QLR
from harness.checkpoints.rotation import rotate, rotate_hessian
from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Schedule
from harness_plugins.compressors.caldera.linears import compress_linears
from harness_plugins.compressors.caldera.metric import HessianMetric, prepare

RANK = 64
LIMIT = 1.03
FULL = Schedule()
SEED_SCHEME = Schedule(iterations=1, factor_iterations=0, start="zero", rounding="symmetric")

# (n, bits, factor bits; 0 = rank 0) -> eH; the smallest of the reference's scalar rows of that kind
REFERENCE = {
    (512, 2, 16): 0.0799, (512, 2, 4): 0.1047, (512, 2, 0): 0.1433,
    (512, 3, 16): 0.0440, (512, 3, 4): 0.0568, (512, 3, 0): 0.0764,
    (512, 4, 16): 0.0239, (512, 4, 4): 0.0313, (512, 4, 0): 0.0417,
    (1024, 2, 16): 0.0997, (1024, 2, 4): 0.1114, (1024, 2, 0): 0.1354,
    (1024, 3, 16): 0.0543, (1024, 3, 4): 0.0602, (1024, 3, 0): 0.0727,
    (1024, 4, 16): 0.0297, (1024, 4, 4): 0.0331, (1024, 4, 0): 0.0398,
}  # fmt: skip
REFERENCE_SECONDS = {
    (512, 2, 16): "1.8", (512, 2, 4): "131", (512, 3, 16): "4", (512, 3, 4): "26", (512, 4, 16): "5", (512, 4, 4): "14",
    (512, 2, 0): "0.5", (512, 3, 0): "0.5", (512, 4, 0): "0.5",
    (1024, 2, 16): "2", (1024, 3, 16): "7-12", (1024, 4, 16): "7-12",
    (1024, 2, 4): "24-29", (1024, 3, 4): "24-29", (1024, 4, 4): "24-29",
}  # fmt: skip
SEED_EXPERIMENTS = {
    (512, 2): 0.571, (512, 3): 0.204, (512, 4): 0.088, (1024, 2): 0.666, (1024, 3): 0.237, (1024, 4): 0.102,
}  # fmt: skip


def relative(difference: torch.Tensor, weight: torch.Tensor, metric: torch.Tensor) -> float:
    return float((((difference @ metric) * difference).sum() / ((weight @ metric) * weight).sum()).sqrt())


class Bench:
    """One seeded matrix; float64 for judging, float32 for the engine."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.weight, self.hessian, self.population = recipe(n)
        self.damped = self.hessian / self.hessian.diagonal().mean() + 0.01 * torch.eye(n, dtype=torch.float64)

    def run(self, decision: Decision, schedule: Schedule, calibrated: bool = True) -> tuple[QLR, float]:
        hessian = self.hessian.float() if calibrated else None
        began = time.process_time()
        result = compress_linears({"w": self.weight.float()}, hessian, {"w": decision}, schedule)["w"]
        return result, time.process_time() - began

    def row(self, label: str, result: QLR, seconds: float, reference: float | None, theirs: str = "") -> float:
        """Print one line of the table; returns eH over the reference's."""
        difference = self.weight - result.dequantize().double()
        error = relative(difference, self.weight, self.damped)
        ratio = error / reference if reference else math.nan
        cells = [
            label,
            f"{reference:.4f}" if reference else "",
            f"{error:.4f}",
            f"{ratio:.3f}" if reference else "",
            f"{relative(difference, self.weight, self.population):.4f}",
            f"{float(difference.norm() / self.weight.norm()):.3f}",
            f"{result.decision.stored_bits(self.n, self.n) / self.n**2:.3f}",
            f"{seconds:.1f}",
            theirs,
        ]
        print("| " + " | ".join(cells) + " |", flush=True)
        return ratio


def table(n: int, widths: Sequence[int] = (16, 4, 0)) -> list[str]:
    """All rows of one size with factors of these widths, 0 being rank 0; the labels of those that miss their limit."""
    bench = Bench(n)
    missed: list[str] = []
    factors: list[str] = []
    print(f"\n## n = {n}\n")
    print("| setting | reference eH | eH | ratio | ePop | eF | bits/weight | CPU s | reference s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for bits in (2, 3, 4):
        errors: dict[int, float] = {}
        for factor_bits in widths:
            key = (n, bits, factor_bits)
            name = f"{bits}-bit, LR{factor_bits}" if factor_bits else f"{bits}-bit, rank 0"
            rank, width = (RANK, factor_bits) if factor_bits else (0, 16)
            rotated = Decision(bits=bits, group=0, rank=rank, factor_bits=width, factor_group=0, rotate=True)
            label = f"{name}, rotated, one scale"
            ratio = bench.row(label, *bench.run(rotated, FULL), REFERENCE[key], REFERENCE_SECONDS.get(key, ""))
            errors[factor_bits] = ratio * REFERENCE[key]
            if ratio > LIMIT:
                missed.append(f"n = {n}, {label}: {ratio:.3f}")
            default = Decision(bits=bits, group=64, rank=rank, factor_bits=width)
            bench.row(f"{name}, group 64 (default)", *bench.run(default, FULL), None)
        seeds = Decision(bits=bits, group=128, grid="midtread", rank=RANK, factor_bits=4, factor_group=128)
        label = f"{bits}-bit, the published experiments' rtn-svd"
        ratio = bench.row(label, *bench.run(seeds, SEED_SCHEME, calibrated=False), SEED_EXPERIMENTS[n, bits])
        if 4 in errors:  # at fewer bits than theirs, by at least the factor of the reference
            times = ratio * SEED_EXPERIMENTS[n, bits] / errors[4]
            wanted = SEED_EXPERIMENTS[n, bits] / REFERENCE[n, bits, 4] / LIMIT
            factors.append(f"{times:.2f} at {bits} bits (limit {wanted:.2f})")
            if times < wanted:
                missed.append(f"n = {n}, {bits}-bit LR4 over rtn-svd: {times:.2f}")
    if factors:
        print(f"\nOver the published experiments' rtn-svd the rotated LR4 rows are better by {', '.join(factors)}.")
    return missed


def speed(n: int = 1024, bits: int = 2, iterations: int = 5) -> float:
    """Seconds of the plain implementation over the engine's, same matrix, same settings, same thread count."""
    bench = Bench(n)
    rotated = Decision(bits=bits, group=0, rank=RANK, factor_bits=16, factor_group=0, rotate=True)
    weight, metric = rotate(bench.weight.float(), 0), prepare(rotate_hessian(bench.hessian.float(), 0))
    assert isinstance(metric, HessianMetric)
    bench.run(rotated, Schedule(iterations=1))  # warm up
    timings = sorted(bench.run(rotated, Schedule(iterations=iterations))[1] for _ in range(3))
    error = bench.run(rotated, Schedule(iterations=iterations))[0].error
    print(f"\n## Speed, n = {n}, {bits}-bit LR16, T = {iterations}, {torch.get_num_threads()} thread(s)\n")
    print("| implementation | eH | CPU s |\n|---|---|---|")
    print(f"| engine (median of 3) | {error:.4f} | {timings[1]:.2f} |")
    ratio = math.nan
    for sweeps in (0, 10):
        began = time.process_time()
        _, plain = caldera_plain.decompose(weight, metric.ldl.matrix, bits, RANK, iterations, sweeps)
        seconds = time.process_time() - began
        ratio = seconds / timings[1]
        print(f"| plain, {sweeps} coordinate-descent sweeps | {plain:.4f} | {seconds:.2f} |", flush=True)
    print(f"\nThe engine is {ratio:.1f} times as fast as the plain implementation with its ten sweeps.")
    return ratio


def growth(sizes: tuple[int, ...] = (256, 512, 1024, 2048)) -> None:
    """Fit seconds = c nᵖ for one group-64 2-bit LR16 decomposition with T = 5."""
    schedule, points = Schedule(iterations=5), []
    for n in sizes:
        generator = torch.Generator().manual_seed(n)
        inputs = torch.randn(2 * n, n, generator=generator)
        weight = torch.randn(n, n, generator=generator)
        decision = Decision(bits=2, rank=RANK, factor_bits=16)
        began = time.process_time()
        compress_linears({"w": weight}, inputs.T @ inputs / len(inputs), {"w": decision}, schedule)
        points.append((math.log(n), math.log(time.process_time() - began)))
    xs, ys = (torch.tensor(axis, dtype=torch.float64) for axis in zip(*points, strict=True))
    slope = float(((xs - xs.mean()) * (ys - ys.mean())).sum() / (xs - xs.mean()).square().sum())
    tail = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    listed = ", ".join(f"{n}: {math.exp(y):.2f} s" for n, (_, y) in zip(sizes, points, strict=True))
    print("\n## Cost growth\n")
    print(f"2-bit LR16, group 64, T = 5: {listed}.")
    print(f"Least squares: seconds grow as n^{slope:.2f}; between the two largest as n^{float(tail):.2f}.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--only", choices=["table", "rank-0", "speed", "growth"])
    options = parser.parse_args()
    print("# CALDERA against its reference\n")
    print("    OMP_NUM_THREADS=1 python benchmarks/caldera_reference.py\n")
    print(f"torch {torch.__version__}, {platform.machine()}, {torch.get_num_threads()} thread(s); rank {RANK}, seed 0.")
    print(f"Defaults: T = {FULL.iterations}, J = {FULL.factor_iterations}. Limit: eH at most {LIMIT} of the reference.")
    missed: list[str] = []
    if options.only in (None, "table", "rank-0"):
        for n in options.sizes:
            missed += table(n, (0,) if options.only == "rank-0" else (16, 4, 0))
    if options.only in (None, "speed") and speed() < 3:
        missed.append("less than 3 times as fast as the plain implementation")
    if options.only in (None, "growth"):
        growth()
    print("\n" + ("Missed: " + "; ".join(missed) if missed else "Every limit is met."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
