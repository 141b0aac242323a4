"""What a run needs to go on after a kill, in one file that appears whole or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Part = Mapping[str, torch.Tensor]


def write_checkpoint(path: Path, done: int, parts: Mapping[str, Part]) -> None:
    """Write each part's tensors, and how many steps are done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}:{name}": t.detach().cpu().contiguous() for part, held in parts.items() for name, t in held.items()
    }
    save_file({**tensors, "done": torch.tensor(done)}, path.with_suffix(".partial"))
    path.with_suffix(".partial").replace(path)


def read_checkpoint(path: Path, device: torch.device) -> tuple[int, Mapping[str, dict[str, torch.Tensor]]]:
    """(steps done, the parts) on the device; a part that held no tensor is empty."""
    tensors = load_file(path)
    done = int(tensors.pop("done"))
    parts: defaultdict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        part, _, name = key.partition(":")
        parts[part][name] = tensor.clone().to(device)  # aligned like any other tensor, unlike a view of the file
    return done, parts
