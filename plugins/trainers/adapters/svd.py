"""The singular basis of a weight as an adapter: one trainable number per singular direction.

W = U Σ Vᵀ is taken once, in float32; Σ is not used and W is never rebuilt, so that an untrained adapter changes nothing:
y = W x + U [(δS + δS_hack) ⊙ (Vᵀ x)]. After AntiPaSTO (github.com/wassname/AntiPaSTO), whose rotation of V is left out.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from harness.errors import ModelError
from harness.store.paths import cache_folder
from harness_plugins.trainers.adapters.linear import SharedBasisLinear


class SvdLinear(SharedBasisLinear):
    """r = min(m, n) coordinates δS."""

    u: torch.Tensor  # (m, r)
    vt: torch.Tensor  # (r, n)

    def __init__(self, base: nn.Linear) -> None:
        u, vt = singular_basis(base.weight.detach())  # (m, r), (r, n)
        super().__init__(base, (vt.shape[0],))
        self.register_buffer("u", u.to(base.weight))
        self.register_buffer("vt", vt.to(base.weight))

    def merging_is_cheaper(self, rows: int) -> bool:
        return rows > len(self.main)  # r is the full rank: forward and backward then take half the multiplications

    def to_coordinates(self, gradient: torch.Tensor) -> torch.Tensor:
        return (self.u.float() * (gradient.float() @ self.vt.float().T)).sum(dim=0)  # diag(Uᵀ G V): (m, r) -> (r,)

    def applied(self, x: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
        h = F.linear(x, self.vt)  # (…, n) -> (…, r)
        return F.linear(h * coordinates.to(x.dtype), self.u)  # (…, r) -> (…, m)

    def expanded(self, coordinates: torch.Tensor) -> torch.Tensor:
        return (self.u.float() * coordinates) @ self.vt.float()  # (m, r) @ (r, n) -> (m, n)


def singular_basis(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """U (m, r) and Vᵀ (r, n) of a weight (m, n), float32 on the CPU, from the cache where this weight was seen before.

    The key is the sha256 of the weight's bytes with its shape and dtype; a file appears whole or not at all.
    Raises ModelError for a weight that is not finite.
    """
    path = cache_folder() / "svd" / f"{_digest(weight)}.safetensors"
    if path.is_file():
        basis = load_file(path)
        return basis["u"].clone(), basis["vt"].clone()  # aligned as if computed: a product's last bit depends on it
    if not weight.isfinite().all():
        raise ModelError(f"a weight of shape {tuple(weight.shape)} is not finite", "the model's files are damaged")
    u, _, vt = torch.linalg.svd(weight.float().cpu(), full_matrices=False)
    u, vt = u.contiguous(), vt.contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(f"{path}.{os.getpid()}")
    save_file({"u": u, "vt": vt}, partial)
    partial.replace(path)
    return u, vt


def _digest(weight: torch.Tensor) -> str:
    content = weight.contiguous().cpu().view(torch.uint8).numpy().tobytes()
    return hashlib.sha256(f"{tuple(weight.shape)} {weight.dtype}".encode() + content).hexdigest()
