"""Does coordinate descent on the codes (QuantEase; "Bid-Up" in arXiv 2606.01412) pay around a low-rank part, on real layers?

    OMP_NUM_THREADS=1 python benchmarks/caldera_polish.py MODEL TEXT [BLOCK …]

Every Linear of the blocks is compressed by the ordinary loop. Then, from its last iterate, either ROUNDS times: one sweep over
the codes of Q with L R fixed, then L R refitted to W − Q; or the control, the loop's own iterations (round anew, refit) for the
same number of rounds, whether it has settled or not. Rows: the geometric mean over Linears of E = tr(D H Dᵀ) relative to
the loop's end, the best of a Linear's iterates counting, and for how many Linears it fell.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import geometric_mean

import torch
from caldera_starts import asked

from harness.contract import Decision
from harness_plugins.compressors.caldera.decompose import Loop, Schedule
from harness_plugins.compressors.caldera.descent import descend
from harness_plugins.compressors.caldera.metric import HessianMetric, Metric

ROUNDS = 2


def polished(loop: Loop) -> None:
    """One sweep over the codes with L R fixed, then the refit; never raises E but by the rounding of the factors."""
    assert isinstance(loop.metric, HessianMetric)
    assert loop.codes is not None
    step = loop.grid.expand(loop.codes.scales, loop.weight.shape[1])
    target = loop.weight - loop.low_rank
    better = descend(target, loop.codes.codes.float(), loop.metric.ldl.matrix, loop.grid, step, sweeps=1)
    loop.codes = loop.grid.store(better, loop.codes.scales)
    loop.q = loop.codes.dequantize()
    loop.error = loop.metric.error(target - loop.q)
    loop.approximate()


def iterated(loop: Loop) -> None:
    loop.quantize()
    loop.approximate()


def from_the_end(
    weight: torch.Tensor, metric: Metric, decision: Decision, how: Callable[[Loop], None]
) -> tuple[float, float]:
    """(E afterwards of E at the loop's end, seconds that the ROUNDS took)."""
    loop = Loop(weight, metric, decision, Schedule(), Schedule().starts(decision)[0])
    loop.run(Schedule().iterations)
    end = loop.least
    begun = time.monotonic()
    for _ in range(ROUNDS):
        how(loop)
    return (loop.least / end) ** 2, time.monotonic() - begun


def main() -> int:
    found, blocks, small = asked(*sys.argv[1:])
    print(f"{len(found)} Linears of blocks {', '.join(map(str, blocks))}; {ROUNDS} rounds after the loop's end.\n")
    print("| bits | rank | factors | rounds of | E, of the loop's end | fell | seconds |")
    print("|---|---|---|---|---|---|---|")
    for bits, rank, factor_bits in ((2, small, 4), (2, small, 16), (3, small, 4)):
        decision = Decision(bits=bits, rank=rank, factor_bits=factor_bits)
        for name, how in (("descent, refit", polished), ("the loop", iterated)):
            ends = [from_the_end(weight, metric, decision, how) for weight, metric in found]
            ratios, seconds = [ratio for ratio, _ in ends], sum(taken for _, taken in ends)
            row = f"{geometric_mean(ratios):.4f} | {sum(r < 1 - 1e-6 for r in ratios)} of {len(ratios)} | {seconds:.0f}"
            print(f"| {bits} | {rank} | {factor_bits} bit | {name} | {row} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
