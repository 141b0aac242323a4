"""Which device and dtype "auto" means, found without importing torch, because planning needs it and must be quick."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path


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


def resolve_dtype(dtype: str, device: str) -> str:
    """ "auto" is float32 on a CPU, where replies then do not depend on the batch, and bfloat16 elsewhere."""
    if dtype != "auto":
        return dtype
    return "float32" if device == "cpu" else "bfloat16"
