from __future__ import annotations

import platform
import subprocess
import sys

import pytest

MATRIX = 6 << 20

FREED = f"""
from pathlib import Path

import torch

from harness.compression.heap import LARGE_MODEL, tidy_heap

def anonymous_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

torch.ones(2 * {MATRIX})  # freed at once: from here on glibc itself would keep smaller blocks on its heap
with tidy_heap(LARGE_MODEL):
    matrices = [torch.ones({MATRIX} // 4) for _ in range(16)]
    full = anonymous_bytes()
    matrices = matrices[::2]
    print(full - anonymous_bytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's heap is told what to map apart")
def test_a_freed_matrix_is_given_back_though_others_lie_around_it() -> None:
    """In a process of its own: where there is room on a heap already, glibc uses that first."""
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 7 * MATRIX
