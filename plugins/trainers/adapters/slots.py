"""Rank-one slots around a weight's own singular vectors, half of them deployed and half in quarantine (signed-CorDA).

y = W x + B (A x) − B₀ (A₀ x), with A (2r, n) and B (m, 2r) both trained from A₀, B₀ on: slots :r are deployed, slots r: are
the quarantine. After wassname/vGROUT_pub, as it is published in words; the code is this project's.

What is trained is kept as a difference, δA = A − A₀ and δB = B − B₀, so that y = W x + B (δA x) + δB (A₀ x): at zero exactly
W, without the rounding of two large terms that cancel; decaying the coordinates pulls towards A₀, B₀; and a quarantine
at zero is one that was reset to A₀, B₀. Were its slots of A and B themselves zero, W would lose their B₀A₀.

Shape notation: m out_features, n in_features, r slots of each half.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from harness_plugins.trainers.adapters.linear import AdaptedLinear
from harness_plugins.trainers.adapters.svd import singular_basis

Half = Literal["deployed", "quarantine"]


class Seed(NamedTuple):
    """What one slot starts as in the place of singular vectors."""

    into: torch.Tensor  # (n,), a unit vector in the Linear's input
    out: torch.Tensor  # (m,), a unit vector in its output


class SlotLinear(AdaptedLinear):
    """Each half has (r, n + m) coordinates, a row [δaᵢ, δbᵢ] for each slot; 2r is at most the smaller side of W.

    `mode` says what acts and what learns, for all rows of a forward pass:

    keep    the deployed slots act and learn
    absorb  all slots act and learn
    route   all slots act, as in absorb, and the quarantine alone learns, by the gradient that it has in absorb: the deployed
            slots' coordinates are detached, not their output, through which earlier quarantines reach the loss, too
    """

    a0: torch.Tensor  # (2r, n) float32
    b0: torch.Tensor  # (2r, m) float32, B₀ᵀ

    def __init__(self, base: nn.Linear, rank: int) -> None:
        r = min(rank, min(base.weight.shape) // 2)
        super().__init__(base, (r, base.in_features + base.out_features))
        u, vt = singular_basis(base.weight.detach())  # (m, min(m, n)), (min(m, n), n)
        # copies: a part of a basis would keep the whole of it in memory
        self.register_buffer("a0", vt[: 2 * r].clone().to(base.weight.device))
        self.register_buffer("b0", u[:, : 2 * r].T.clone(memory_format=torch.contiguous_format).to(base.weight.device))

    def plant(self, seed: Seed, half: Half) -> None:
        """Start the first slot of this half as the seed, and all others as W's leading singular vectors less what they
        have in common with it. In the other half the seed changes places with one of them, and nothing else differs."""
        r = len(self.main)
        places = list(range(2 * r))
        if half == "quarantine":
            places[0], places[r] = r, 0
        for start, own in ((self.a0, seed.into), (self.b0, seed.out)):
            own = own.to(start)
            seed_first = torch.cat([own[None], apart_from(start[:-1], own)])  # (2r, n) or (2r, m)
            start.copy_(seed_first[places])

    # ---------------------------------------------------------------------------------------------------- running

    def correction(self, x: torch.Tensor) -> torch.Tensor:
        deployed = self._applied(x, "deployed")
        if self.mode == "keep":
            return deployed
        return deployed + self._applied(x, "quarantine")

    def delta(self, *, quarantine: bool) -> torch.Tensor:
        whole = self._expanded("deployed")
        return whole + self._expanded("quarantine") if quarantine else whole

    def settle(self, share: float) -> None:
        """The quarantine's slots keep this share of their distance from A₀, B₀."""
        self.quarantine.mul_(share)

    def _applied(self, x: torch.Tensor, half: Half) -> torch.Tensor:
        """B (δA x) + δB (A₀ x) of one half: (…, n) -> (…, m)."""
        da, db, a0, b0 = (part.to(x.dtype) for part in self._parts(half))
        return F.linear(F.linear(x, da), (b0 + db).T) + F.linear(F.linear(x, a0), db.T)

    def _expanded(self, half: Half) -> torch.Tensor:
        """B A − B₀ A₀ of one half, (m, n) in float32."""
        da, db, a0, b0 = self._parts(half)
        return (b0 + db).T @ da + db.T @ a0

    def _parts(self, half: Half) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """δA (r, n), δBᵀ (r, m), A₀ (r, n), B₀ᵀ (r, m)."""
        r, n = len(self.main), self.base.in_features
        main = self.main.detach() if self.mode == "route" else self.main
        coordinates, slots = (main, slice(0, r)) if half == "deployed" else (self.quarantine, slice(r, 2 * r))
        return coordinates[:, :n], coordinates[:, n:], self.a0[slots], self.b0[slots]


def apart_from(rows: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Rows (k, n) with their part along a unit vector (n,) taken out, of length 1 again."""
    rest = rows - torch.outer(rows @ direction, direction)
    rest = rest - torch.outer(rest @ direction, direction)  # once more: a small rest keeps little of the first accuracy
    return F.normalize(rest, dim=1)
