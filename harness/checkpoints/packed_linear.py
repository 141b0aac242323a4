"""A Linear that stays packed: y = (Q + L·R) x + b, from the tensors of an artefact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D

from harness.checkpoints.blocked import blocked, linear
from harness.checkpoints.packed_tensors import from_tensors, layout, lent
from harness.checkpoints.rotation import rotate_inputs, unrotate_outputs
from harness.checkpoints.unpacking import unpack_on
from harness.contract import Decision
from harness.errors import ModelError


class QLRLinear(nn.Module):
    """Drop-in for nn.Linear and for GPT-2's Conv1D.

    On the CPU the dense weight is unpacked once and kept (`cache`), because unpacking costs more than a small matmul;
    on an accelerator Q is unpacked for every call and L·R never formed, so that memory stays that of the packed codes.
    """

    def __init__(
        self, decision: Decision, rows: int, columns: int, *, bias: bool, seed: int | None = None, cache: bool = True
    ) -> None:
        super().__init__()
        self.decision, self.out_features, self.in_features = decision, rows, columns
        self.seed, self.cache = seed, cache
        for suffix, (shape, dtype) in layout(decision, rows, columns).items():
            self.register_buffer(suffix, torch.empty(shape, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(rows), requires_grad=False) if bias else None
        self.lender: tuple[
            QLRLinear, ...
        ] = ()  # whose R this one uses; in a tuple, so that it is no part of this module
        self._dense: torch.Tensor | None = None

    def _parts(self) -> dict[str, torch.Tensor]:
        """Suffix -> tensor."""
        own = dict(self.named_buffers(recurse=False))
        for lender in self.lender:
            own |= lent(lender._parts())
        return own

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Ŵ (out_features, in_features)."""
        parts = self._parts()
        return from_tensors(parts, self.decision, self.out_features, self.in_features, self.seed).dequantize().to(dtype)

    @property
    def weight(self) -> torch.Tensor:
        """Ŵ (out_features, in_features), for code that looks at a Linear's weight. A copy: writing to it changes
        nothing."""
        return self.dequantize(torch.get_default_dtype() if self.bias is None else self.bias.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, n) -> (…, m)."""
        if not (self.cache and x.device.type == "cpu"):
            return self.packed_forward(x)
        if self._dense is None or self._dense.dtype != x.dtype:
            self._dense = blocked(self.dequantize(x.dtype))
        return linear(x, self._dense, self.bias)

    def packed_forward(self, x: torch.Tensor) -> torch.Tensor:
        """y = Uᵀ (Q + L R) V x + b, one factor after the other; U and V are the rotation, if there is one."""
        decision, tensors = self.decision, self._parts()
        if self.seed is not None:
            x = rotate_inputs(x, self.seed)
        y = F.linear(x, self._factor("q", tensors, decision.bits, decision.group, self.in_features, x))
        if decision.rank:
            width, group = decision.factor_bits, decision.factor_group
            right = self._factor("r", tensors, width, group, self.in_features, x)  # R (r, n)
            left = self._factor("l", tensors, width, group, self.out_features, x)  # Lᵀ (r, m)
            y = y + F.linear(x, right) @ left  # (…, n) -> (…, r) -> (…, m)
        if self.seed is not None:
            y = unrotate_outputs(y, self.seed)
        return y if self.bias is None else y + self.bias

    def _factor(
        self, part: str, tensors: dict[str, torch.Tensor], bits: int, group: int, columns: int, x: torch.Tensor
    ) -> torch.Tensor:
        codes = tensors[f"{part}_codes"]
        if bits >= 16:
            return codes.to(x.dtype)
        scales, zeros = tensors[f"{part}_scales"].float(), tensors.get(f"{part}_zeros")
        zeros = None if zeros is None else zeros.float()
        return unpack_on(x.device)(codes, scales, zeros, bits, group, self.decision.grid, columns, x.dtype)

    def densify(self, dtype: torch.dtype, *, transposed: bool) -> nn.Module:
        """The same layer as an ordinary nn.Linear, or as a Conv1D where the architecture stores (in, out)."""
        weight = self.dequantize(dtype)
        with torch.device("meta"):
            layer: nn.Module = (
                Conv1D(self.out_features, self.in_features)
                if transposed
                else nn.Linear(self.in_features, self.out_features, bias=self.bias is not None)
            )
        layer.weight = nn.Parameter(weight.T.contiguous() if transposed else weight, requires_grad=False)
        layer.bias = self.bias  # type: ignore[assignment]
        return layer

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> QLRLinear:
        self._dense = None  # the buffers may move or change dtype
        return super()._apply(fn, recurse)

    def extra_repr(self) -> str:
        decision = self.decision
        return f"{self.in_features}, {self.out_features}, bits={decision.bits}, rank={decision.rank}"


def linear_shape(layer: nn.Module) -> tuple[int, int]:
    """(out_features, in_features) of an nn.Linear or a Conv1D.

    Raises:
        ModelError: it is another kind of layer.
    """
    if isinstance(layer, nn.Linear):
        return layer.out_features, layer.in_features
    if isinstance(layer, Conv1D):
        columns, rows = layer.weight.shape
        return rows, columns
    raise ModelError(f"a {type(layer).__name__} is not a Linear", "this architecture cannot be compressed")
