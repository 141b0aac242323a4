"""A frozen Linear with a correction in two sets of coordinates of one shape: `main`, which training moves, and
`quarantine`, which takes up what should not be deployed. At zero they change nothing.

Shape notation: m out_features, n in_features, r coordinates.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import nn
from torch.nn import functional as F

Mode = Literal["keep", "absorb", "route"]


class AdaptedLinear(nn.Module):
    """y = W x + b + Δ x. With all coordinates zero the result is bit-identical to the base's."""

    def __init__(self, base: nn.Linear, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        place = base.weight.device
        self.main = nn.Parameter(torch.zeros(shape, device=place))  # float32 whatever the model's dtype
        self.quarantine = nn.Parameter(torch.zeros(shape, device=place), requires_grad=False)
        self.merged_weight: torch.Tensor | None = None  # (m, n) while rollouts are drawn
        self.disabled = False  # the free reference policy: no correction at all
        self.mode: Mode = "absorb"  # what acts and what learns: all; slots alone know the other two

    def correction(self, x: torch.Tensor) -> torch.Tensor:
        """Δ x: (…, n) -> (…, m)."""
        raise NotImplementedError

    def delta(self, *, quarantine: bool) -> torch.Tensor:
        """Δ as a float32 matrix (m, n), with the quarantine kept or ablated."""
        raise NotImplementedError

    def settle(self, share: float) -> None:
        """Make the coordinates those of the deployed policy, with this share of the quarantine."""
        raise NotImplementedError

    def merged(self, *, quarantine: bool) -> torch.Tensor:
        """W + Δ (m, n) in the base's dtype, with the quarantine kept or ablated."""
        weight = self.base.weight
        return (weight.float() + self.delta(quarantine=quarantine)).to(weight.dtype)

    def merging_is_cheaper(self, rows: int) -> bool:
        """Whether one product with W + Δ, whose gradient is then read in the basis, is less work for so many rows of x
        than two products in the basis beside the one with W."""
        return False

    def to_coordinates(self, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient of W + Δ (m, n) in the coordinates, in their shape; called only where merging may be cheaper."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.disabled:
            return self.base(x)
        if self.merged_weight is not None:
            return F.linear(x, self.merged_weight, self.base.bias)
        if self.merging_is_cheaper(x.shape[:-1].numel()):
            return cast(torch.Tensor, MergedForward.apply(x, self.main, self))
        return self.base(x) + self.correction(x)


class SharedBasisLinear(AdaptedLinear):
    """Both sets of coordinates in one basis, in which the correction is linear: Δ(main + quarantine). So both have the
    same gradient, and only `main` asks autograd for it."""

    def applied(self, x: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
        """Δ(coordinates) x: (…, n) -> (…, m)."""
        raise NotImplementedError

    def expanded(self, coordinates: torch.Tensor) -> torch.Tensor:
        """Δ(coordinates) as a float32 matrix (m, n)."""
        raise NotImplementedError

    def correction(self, x: torch.Tensor) -> torch.Tensor:
        return self.applied(x, self.main + self.quarantine)

    def delta(self, *, quarantine: bool) -> torch.Tensor:
        return self.expanded(self.main + self.quarantine if quarantine else self.main)

    def settle(self, share: float) -> None:
        """`main` takes up this share of the quarantine, which is then zero."""
        self.main.add_(self.quarantine, alpha=share)
        self.quarantine.zero_()


class MergedForward(torch.autograd.Function):
    """x (W + Δ)ᵀ + b, keeping only x for the backward pass: that builds W + Δ again and converts its gradient, a matrix
    as large, to coordinates at once."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, main: torch.Tensor, module: AdaptedLinear) -> torch.Tensor:
        """x (…, n), `main` of `module` -> (…, m)."""
        ctx.save_for_backward(x)
        ctx.module = module
        return F.linear(x, module.merged(quarantine=True), module.base.bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        """dL/dy (…, m) -> dL/dx (…, n), dL/dmain."""
        (x,), (g,), module = ctx.saved_tensors, gradients, ctx.module
        of_x = g @ module.merged(quarantine=True) if ctx.needs_input_grad[0] else None
        of_main = module.to_coordinates(g.flatten(0, -2).T @ x.flatten(0, -2)) if ctx.needs_input_grad[1] else None
        return of_x, of_main, None
