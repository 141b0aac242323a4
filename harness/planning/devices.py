"""Which device and dtype "auto" means, found without importing torch, because planning needs it and must be quick."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

from harness.errors import UsageError

DRIVERS = ("/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")  # of NVIDIA, Tegra, WSL and AMD
KNOWN = re.compile(r"auto|cpu|mps|(cuda|xpu)(:\d+)?")


def resolve_device(device: str) -> str:
    """ "auto" is cuda where an NVIDIA driver and a CUDA build of torch are present, mps on Apple silicon, else cpu."""
    if device != "auto":
        return device
    visible = Path("/dev/nvidiactl").exists() and os.environ.get("CUDA_VISIBLE_DEVICES", "all") not in ("", "-1")
    if visible and "+cpu" not in importlib.metadata.version("torch"):
        return "cuda"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    return "cpu"


def refuse_missing_device(device: str) -> None:
    """Raises UsageError for a device that torch cannot have on this machine, as far as that is seen without torch."""
    if not KNOWN.fullmatch(device):
        raise UsageError(f"unknown device {device!r}", "auto, cpu, cuda, cuda:N, mps or xpu")
    if not device.startswith("cuda"):
        return
    if "+cpu" in (version := importlib.metadata.version("torch")):
        raise UsageError(f"--device {device}: torch {version} is built without CUDA", "--device cpu, or another torch")
    if not any(Path(driver).exists() for driver in DRIVERS):
        raise UsageError(f"--device {device}: this machine has no GPU with a driver", "--device cpu")


def resolve_dtype(dtype: str, device: str) -> str:
    """ "auto" is float32 on a CPU, where replies then do not depend on the batch, and bfloat16 elsewhere."""
    if dtype != "auto":
        return dtype
    return "float32" if device == "cpu" else "bfloat16"
