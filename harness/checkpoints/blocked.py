"""Linears on a CPU, their weights reordered once into the blocks in which oneDNN multiplies.

torch multiplies float32 by a weight as it lies in the checkpoint, which is slow where the weight meets few rows: a decoding
step has one token of each. In blocks, 32 rows are multiplied at the rate of 1000, about twice as fast, and the rows of a
result do not depend on how many there are.
"""

from __future__ import annotations

import platform
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

TOGETHER = 2048  # rows of a total that are updated at a time: only so much of it exists twice
ROWS = 64  # that the blocks are made for; the rate at other numbers is the same or nearly so


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """x (…, n), weight (m, n), in blocks or not -> (…, m). Gradients take the weight out of its blocks each time."""
    if not weight.is_mkldnn:
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled() and x.requires_grad:
        return F.linear(x, weight.to_dense(), bias)
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def blocked(weight: torch.Tensor) -> torch.Tensor:
    """The weight (m, n) in blocks, where that is known to be faster: float32 on an x86 CPU; else as it is."""
    plain = type(weight) in (torch.Tensor, nn.Parameter)  # a library's tensor may hold something else behind its dtype
    if not plain or weight.dtype != torch.float32 or weight.device.type != "cpu" or not _available():
        return weight
    made: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), ROWS)
    return made


def add_inner(total: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    """total (n, k) += aᵀ b of a (N, n) and b (N, k), by oneDNN wherever `blocked` is, some rows of the total at a time.

    Not by torch's own product, which is MKL's and slow on some makers' processors, nor by another BLAS, whose threads spin
    on after each call and keep those of torch waiting (docs/results/compression-speed.md).
    """
    weight = blocked(b.T)
    for part, rows in zip(total.split(TOGETHER), a.split(TOGETHER, dim=1), strict=True):
        part.add_(linear(rows.T, weight, None))


@cache
def _available() -> bool:
    """The operators are those of torch's own compiler and no public interface: another version may lack or change them."""
    if platform.machine() not in ("x86_64", "AMD64") or not torch.backends.mkldnn.is_available():
        return False
    x, weight, bias = torch.eye(3, 5), torch.arange(35.0).view(7, 5), torch.arange(7.0)
    try:
        made: Any = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
        return torch.equal(linear(x, made, bias), F.linear(x, weight, bias)) and torch.equal(made.to_dense(), weight)
    except (AttributeError, RuntimeError):
        return False


class BlockedLinear(nn.Module):
    """Takes the place of an nn.Linear whose weight is only read. `weight` is a copy, unless an embedding shares it."""

    def __init__(self, plain: nn.Linear, weight: torch.Tensor, *, shared: bool) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bias = plain.in_features, plain.out_features, plain.bias
        self.blocked = weight
        if shared:
            # to register it is refused, since there is one already
            self._parameters["weight"] = plain.weight  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        if name == "weight" and name not in self._parameters:
            return self.blocked.to_dense()
        return super().__getattr__(name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, n) -> (…, m)."""
        return linear(x, self.blocked, self.bias)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        destination[prefix + "weight"] = self.weight.detach()
        if self.bias is not None:
            destination[prefix + "bias"] = self.bias.detach()

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}"


def block_linears(model: nn.Module) -> None:
    """Replace the Linears of a model by blocked ones, in place, where that is faster; one weight at a time is held twice."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for owner in list(model.modules()):
        for name, plain in list(owner.named_children()):
            if type(plain) is nn.Linear and "weight" in plain._parameters:  # a library may hold codes in its place
                setattr(owner, name, in_blocks(plain, shared=id(plain.weight) in embeddings))


def in_blocks(plain: nn.Module, *, shared: bool = False) -> nn.Module:
    """A Linear in blocks, where that is faster, else the module itself."""
    if type(plain) is not nn.Linear:  # a subclass may do more with its weight
        return plain
    weight = blocked(plain.weight)
    return BlockedLinear(plain, weight, shared=shared) if weight.is_mkldnn else plain
