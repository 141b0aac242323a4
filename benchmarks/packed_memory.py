"""Memory of a packed model: what from_pretrained holds beside what the same model takes when it is loaded dense.

    python benchmarks/packed_memory.py

Writes a synthetic Qwen2 of four blocks of 30 MB (float32), rounds it to 3 bits in groups of 64, and loads the artefact in
processes of their own: packed with nothing kept (`cache=False`, as on a GPU), packed as it is by default on the CPU, and
dense. Anonymous resident memory above the imports (Linux: RssAnon) after loading, after one forward pass of 64 tokens, and
at the peak.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from compression_memory import anonymous_bytes, write_model

WAYS = {"packed, cache=False": {"cache": False}, "packed (default)": {}, "dense": {"dequantize": True}}
DEPTH = 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(Path(options.measure[0]), options.measure[1])
        return 0
    with tempfile.TemporaryDirectory(prefix="harness-packed-") as scratch:
        artefact = write_artefact(Path(scratch))
        stored = sum(file.stat().st_size for file in artefact.glob("*.safetensors"))
        print(
            f"Artefact of {stored / 1e6:.1f} MB.\n\n| loaded | after loading | after a forward pass | peak |\n|---|---|---|---|"
        )
        for way in WAYS:
            command = [sys.executable, __file__, "--measure", str(artefact), way]
            result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            print(f"| {way} | {result.stdout.strip()} |", flush=True)
    return 0


def write_artefact(scratch: Path) -> Path:
    from harness.compression.calibration import CalibrationSource
    from harness.compression.driver import compress
    from harness_plugins.compressors.caldera.rtn import Rtn, RtnParams

    write_model(scratch / "model", DEPTH)
    compress(scratch / "model", Rtn(RtnParams(bits=3)), CalibrationSource(), scratch / "artefact")
    return scratch / "artefact"


def measure(artefact: Path, way: str) -> None:
    """Print the three figures of one way of loading."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2ForCausalLM  # noqa: F401  (an import, not part of the work)

    import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)

    baseline = peak = anonymous_bytes(os.getpid())
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, anonymous_bytes(os.getpid()))
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    model = AutoModelForCausalLM.from_pretrained(artefact, dtype=torch.float32, **WAYS[way])
    loaded = anonymous_bytes(os.getpid())
    with torch.no_grad():
        model(torch.arange(64)[None])
    used = anonymous_bytes(os.getpid())
    done.set()
    watcher.join()
    print(" | ".join(f"{(value - baseline) / 1e6:.1f} MB" for value in (loaded, used, peak)))


if __name__ == "__main__":
    sys.exit(main())
