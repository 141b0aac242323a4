"""W ≈ Q + L·R by alternating a quantization step and a low-rank step (CALDERA, arXiv 2405.18886, algorithm 1).

Its rivals are settings of the same loop: rank 0 is GPTQ; one iteration that rounds to nearest first is LQER; the same
without a Hessian is a plain residual SVD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from harness.checkpoints.qlr import QLR, QuantMatrix
from harness.contract import Decision
from harness.errors import StageError
from harness_plugins.compressors.caldera.deflation import deflated
from harness_plugins.compressors.caldera.descent import descend
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.lowrank import (
    Factors,
    alternate,
    balanced,
    change,
    nearest,
    principal,
    sixteen_bit,
)
from harness_plugins.compressors.caldera.metric import HessianMetric, Metric
from harness_plugins.compressors.caldera.starts import STARTS, Start, initial

RELATIVE_GAIN = 1e-3  # the loop stops at the second iteration that gains less than this on the one before it
PATIENCE = 2
TRIED = 3  # iterations of each start before the best goes on: later ones gain little, and seldom change the order
EXPLORED, AROUND = (
    7,
    (1.0, 0.8, 1.25),
)  # in so many sweeps these multiples of the last scales are tried; then they settle


@dataclass(frozen=True)
class Schedule:
    """How the loop runs. `start` "auto" is "svd" for 16-bit factors and "zero" otherwise; "best" tries all (`starts`)."""

    iterations: int = 15  # T
    factor_iterations: int = (
        10  # J of the first low-rank step; later ones go on by one; 0 rounds the factors of the SVD
    )
    start: Start | Literal["auto", "best"] = "auto"
    rounding: Literal["ldlq", "nearest", "symmetric"] = "ldlq"  # the others: to nearest, by `Grid.absmax_scales`

    def starts(self, decision: Decision) -> tuple[Start, ...]:
        """Those to try. Without a low-rank part there is one."""
        if decision.rank == 0:
            return ("zero",)
        if self.start == "best":
            return STARTS
        if self.start == "auto":
            return ("svd",) if decision.factor_bits >= 16 else ("zero",)
        return (self.start,)


class Loop:
    """The iterate (Q, L·R) of one Linear and the best full one so far."""

    def __init__(
        self, weight: torch.Tensor, metric: Metric, decision: Decision, schedule: Schedule, start: Start
    ) -> None:
        self.weight, self.metric, self.decision, self.schedule = weight, metric, decision, schedule
        self.start = start
        self.grid = Grid(decision.bits, decision.group, decision.grid)
        self.factor_grid = Grid(decision.factor_bits, decision.factor_group, decision.grid)
        self.total = self.error = metric.error(weight)  # E(W), E(W − Q − L R)
        self.q = torch.zeros_like(weight)
        self.low_rank = initial(start, weight, metric, decision.rank)
        self.codes: QuantMatrix | None = None
        self.factors: Factors | None = None
        self.basis: torch.Tensor | None = None
        self.feedback: torch.Tensor | None = None  # of the last sweep: what it added to its target
        self.sweeps = 0
        self.trace: list[float] = []
        self.best: tuple[float, QuantMatrix, Factors | None] | None = None
        self.idle = 0

    @property
    def settled(self) -> bool:
        """Whether further iterations are not worth their time."""
        return self.idle >= PATIENCE

    def run(self, iterations: int) -> None:
        """Round, then refit L·R to what rounding left, so many times or until the loop has settled."""
        for _ in range(iterations):
            if self.settled:
                return
            before = self.trace[-1] if self.trace else float("inf")
            self.quantize()
            if self.decision.rank:
                self.approximate()
            self.idle += self.trace[-1] > before * (1 - RELATIVE_GAIN)

    def quantize(self) -> None:
        """Q ← round(W − L R), with scales fitted to what the sweep will round: the target plus the last feedback."""
        target = self.weight - self.low_rank
        if self.schedule.rounding != "ldlq":
            scales = self.grid.absmax_scales(target, symmetric=self.schedule.rounding == "symmetric")
            self.codes = self.grid.nearest(target, scales)
            self.q = self.codes.dequantize()
            self.error = self.metric.error(target - self.q)
        else:
            wanted, importance = target, self.metric.diagonal()
            if self.feedback is not None:
                wanted, importance = target + self.feedback, self.metric.costs()
            near = self.codes.scales if self.codes else None
            around = AROUND if self.sweeps < EXPLORED else (1.0,)
            scales = self.grid.search_scales(wanted, importance, near, around)
            step = self.grid.expand(scales, target.shape[1])
            if self.start == "gilora" and not self.sweeps:  # no feedback: the next sweep, under H, adds another
                rounded = deflated(self.metric, self.decision.rank).round(target, self.grid, step)
                self.error = self.metric.error(target - rounded.q)
            else:
                rounded = self.metric.round(target, self.grid, step)
                self.feedback, self.error = rounded.feedback, rounded.cost
            self.codes, self.q = self.grid.store(rounded.codes, scales), rounded.q
            self.sweeps += 1
        self._record()

    def approximate(self) -> None:
        """L R ← argmin E(W − Q − L R); quantized factors go on from the last ones by one round, so that they converge
        together with Q."""
        residual = self.weight - self.q
        rank, rounds, last = self.decision.rank, self.schedule.factor_iterations, self.factors
        energy: float | None = None  # E(W − Q − L R), where it comes with the factors
        if self.decision.factor_bits >= 16:
            self.basis = principal(residual, self.metric, rank, self.basis)
            self.factors = sixteen_bit(*balanced(residual, self.basis[:, :rank]))
        elif rounds == 0:
            self.factors = nearest(
                *balanced(residual, principal(residual, self.metric, rank)[:, :rank]), self.factor_grid
            )
        elif last is None:
            _, right = balanced(residual, principal(residual, self.metric, rank)[:, :rank])
            alone = self.error if self.start == "zero" else self.metric.error(residual)  # E(W − Q)
            self.factors, energy = alternate(residual, alone, self.metric, right, self.factor_grid, rounds)
        else:
            left, right = last.dense()
            alone = self.error - change(self.metric, left, right, residual)  # E(W − Q)
            self.factors, energy = alternate(residual, alone, self.metric, right, self.factor_grid, 1, last)
        self.low_rank = self.factors.product()
        self.error = self.metric.error(residual - self.low_rank) if energy is None else energy
        self._record()

    def polish(self) -> None:
        """Lower E by coordinate descent on the best codes, with fixed scales. If L·R follows, this gains nothing."""
        if self.best is None or not isinstance(self.metric, HessianMetric) or self.schedule.rounding != "ldlq":
            return
        codes = self.best[1]
        step = self.grid.expand(codes.scales, self.weight.shape[1])
        better = descend(self.weight, codes.codes.float(), self.metric.ldl.matrix, self.grid, step)
        self.codes = self.grid.store(better, codes.scales)
        self.q = self.codes.dequantize()
        self.error = self.metric.error(self.weight - self.q)
        self._record()

    @property
    def least(self) -> float:
        """The relative error of the best full iterate."""
        return self.best[0] if self.best else float("inf")

    def relative(self, error: float) -> float:
        return (max(error, 0.0) / self.total) ** 0.5 if self.total else 0.0

    def _record(self) -> None:
        self.trace.append(self.relative(self.error))
        if self.codes is None or (self.factors is None and self.decision.rank):
            return
        if self.best is None or self.trace[-1] < self.best[0]:
            self.best = (self.trace[-1], self.codes, self.factors)


def decompose(weight: torch.Tensor, metric: Metric, decision: Decision, schedule: Schedule) -> QLR:
    """Compress W (m, n) float32 as `decision` says; errors are in the damped metric.

    Where several starts are tried, each gets TRIED iterations and the best of them the rest; the result names it. Raises
    StageError on NaN or Inf.
    """
    if not bool(torch.isfinite(weight).all()):
        raise StageError("the weight holds NaN or Inf", "the checkpoint is damaged; fetch it again")
    starts = schedule.starts(decision)
    first = schedule.iterations if len(starts) == 1 else min(TRIED, schedule.iterations)
    loop: Loop | None = None
    for start in starts:  # two at a time in memory
        other = Loop(weight, metric, decision, schedule, start)
        other.run(first)
        loop = other if loop is None or other.least < loop.least else loop
    assert loop is not None
    loop.run(schedule.iterations - first)
    if decision.rank == 0:
        loop.polish()
    assert loop.best is not None
    _, codes, factors = loop.best
    left, right = (factors.left, factors.right) if factors else (None, None)
    result = QLR(decision, codes, left, right, trace=loop.trace, damping=metric.damping)
    if decision.rank:
        result.start = loop.start
    result.error = loop.relative(
        metric.error(weight - result.dequantize())
    )  # in full: the loop's come from thin products
    return result
