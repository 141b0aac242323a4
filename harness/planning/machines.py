"""Machines that can be rented, as their vendor describes them."""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.errors import UsageError


class Gpu(NamedTuple):
    memory: float  # bytes
    bandwidth: float  # bytes/s
    half: float  # FLOP/s of dense matrix products in bfloat16
    single: float  # … in float32


MIB = 1 << 20
GPUS = {  # NVIDIA's data sheets: H100 and H200 SXM, A100 80GB SXM, L40S, L4; dense, without sparsity. Memory by nvidia-smi
    "h200": Gpu(143_771 * MIB, 4.8e12, 989e12, 67e12),
    "h100": Gpu(81_559 * MIB, 3.35e12, 989e12, 67e12),
    "a100": Gpu(81_920 * MIB, 2.039e12, 312e12, 19.5e12),
    "l40s": Gpu(46_068 * MIB, 0.864e12, 362e12, 91.6e12),
    "l4": Gpu(23_034 * MIB, 0.3e12, 121e12, 30.3e12),
}
MOST = 64  # GPUs of a machine


class Machine(NamedTuple):
    name: str  # as typed
    gpu: Gpu
    gpus: int


def parse_machines(text: str) -> list[Machine]:
    """ "h100x1,a100x2" -> machines. Raises UsageError for one that is not known."""
    return [_parsed(part.strip()) for part in text.split(",") if part.strip()]


def _parsed(name: str) -> Machine:
    found = re.fullmatch(r"([a-z]+\d+[a-z]*?)(?:x(\d{1,2}))?", name.lower())
    count = int(found[2] or 1) if found else 0
    if not found or found[1] not in GPUS or not 1 <= count <= MOST:
        raise UsageError(f"no machine {name!r}", f"GPU or GPUxN, e.g. h100x2; GPUs: {', '.join(GPUS)}")
    return Machine(name, GPUS[found[1]], count)
