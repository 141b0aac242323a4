from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from harness.compression.heap import matrices_apart

MATRIX = 2 << 20


def anonymous_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's heap is told what to map apart")
def test_a_freed_matrix_is_given_back_though_others_lie_around_it() -> None:
    torch.ones(2 * MATRIX)  # freed at once: from here on glibc itself would keep smaller blocks on its heap
    with matrices_apart():
        matrices = [torch.ones(MATRIX // 4) for _ in range(16)]
        full = anonymous_bytes()
        matrices = matrices[::2]
        assert full - anonymous_bytes() > 7 * MATRIX
    assert len(matrices) == 8
