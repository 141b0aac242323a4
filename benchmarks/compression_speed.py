"""Seconds a block of calibrated compression, and the error it leaves, of this code and of another checkout.

    python benchmarks/compression_speed.py MODEL TEXT [--compressors uniform3 gptq4] [--before CHECKOUT] [--rival PYTHON]

Compresses the first `--blocks` blocks of MODEL with 128 sequences of 512 tokens of the running text TEXT, each side in a
process of its own, taking turns, `--rounds` times. The time of a block goes from the end of the one before
it to its own, forward passes, Hessians and files included. The errors are sqrt(tr(D H Dᵀ) / tr(W H Wᵀ)) as the
artefact records them (mean over its Linears), and KL(original ‖ compressed) in nats a token, with the other blocks left
out of both models, on the end of TEXT, which calibration does not see. `--rival` is an interpreter that has llm-compressor,
whose GPTQ at 4 bits (`compression_rival.py`) then runs on the same text, in batches as large as ours.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEQUENCES, LENGTH, UNSEEN = 128, 512, 20_000  # the last: characters of TEXT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--compressors", nargs="+", default=["uniform3", "gptq4"])
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--sequences", type=int, default=SEQUENCES)
    parser.add_argument("--before", type=Path, help="another checkout of this project")
    parser.add_argument("--rival", type=Path, help="an interpreter that has llm-compressor")
    parser.add_argument("--unseen", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.model, options.text, options.unseen, options.measure, options.sequences)))
        return
    sides = {"this": ROOT, **({"before": options.before.resolve()} if options.before else {})}
    print(
        "| compressor | side | s a block | processor s | mean error of the Linears | divergence |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(prefix="harness-speed-") as scratch:
        model, seen, unseen = (Path(scratch) / name for name in ("model", "seen.txt", "unseen.txt"))
        truncate(options.model, model, options.blocks + 1)  # the last block's outputs are not computed
        text = options.text.read_text(encoding="utf-8")
        seen.write_text(text[:-UNSEEN], encoding="utf-8")
        unseen.write_text(text[-UNSEEN:], encoding="utf-8")
        for _ in range(options.rounds):
            for compressor in options.compressors:
                for side, root in sides.items():
                    command = [sys.executable, __file__, str(model), str(seen), "--unseen", str(unseen)]
                    command += ["--measure", compressor, "--sequences", str(options.sequences)]
                    show(compressor, side, output(command, f"{root}{os.pathsep}{package(root, Path(scratch) / side)}"))
            if options.rival:
                shorter = Path(scratch) / "shorter"
                shutil.rmtree(shorter, ignore_errors=True)
                truncate(options.model, shorter, 1)
                command = [str(options.rival), str(Path(__file__).with_name("compression_rival.py")), str(model)]
                command += map(str, [shorter, seen, unseen, options.sequences, LENGTH])
                show("GPTQ, 4 bits", "llm-compressor", output(command, ""))


def package(root: Path, folder: Path) -> Path:
    """A folder in which a checkout's plugins are importable under their installed name."""
    folder.mkdir(exist_ok=True)
    if not (folder / "harness_plugins").exists():
        (folder / "harness_plugins").symlink_to(root / "plugins", target_is_directory=True)
    return folder


def output(command: list[str], path: str) -> dict[str, float]:
    """The last line of what a command prints, which runs with this PYTHONPATH."""
    env = {**os.environ, "PYTHONPATH": path}
    printed = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def show(compressor: str, side: str, found: dict[str, float]) -> None:
    error = f"{found['error']:.5f}" if "error" in found else "-"
    times = f"{found['seconds']:.1f} | {found['processor']:.1f}"
    print(f"| {compressor} | {side} | {times} | {error} | {found['divergence']:.5f} |", flush=True)


def truncate(source: Path, folder: Path, blocks: int) -> None:
    """The model with its first `blocks` blocks only."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors*"))
    tensors = {name: tensor for file in source.glob("*.safetensors") for name, tensor in load_file(file).items()}
    later = tuple(f"model.layers.{block}." for block in range(blocks, 1000))
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(later)}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    config["num_hidden_layers"] = blocks
    if isinstance(config.get("layer_types"), list):
        config["layer_types"] = config["layer_types"][:blocks]
    (folder / "config.json").write_text(json.dumps(config))


def measure(model: Path, seen: Path, unseen: Path, compressor: str, sequences: int) -> dict[str, float]:
    """One side: seconds a block, of the wall and of the processor, and errors. The last block is not timed."""
    from caldera_refit import distributions, divergence

    from harness.checkpoints.manifest import read_manifest
    from harness.compression.calibration import CalibrationSource, read_calibration
    from harness.compression.driver import compress
    from harness.registry.catalogue import load_catalogue
    from harness.registry.plugins import load_plugins

    catalogue = load_catalogue(load_plugins())
    marks: list[tuple[float, float]] = []

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "blocks" or done == total:
            marks.append((time.perf_counter(), time.process_time()))

    with tempfile.TemporaryDirectory(prefix="harness-speed-") as folder:
        out = Path(folder) / "artefact"
        built = catalogue.build(catalogue.arms("compressors", compressor, {})[0])
        wanted = CalibrationSource(source=str(seen), sequences=sequences, length=LENGTH)
        compress(model, built, wanted, out, progress=progress)
        errors = [entry.error for entry in read_manifest(out).linears.values() if entry.error is not None]
        judged = read_calibration(CalibrationSource(source=str(unseen), length=LENGTH), model)
        apart = divergence(distributions(model, judged), distributions(out, judged))
    steps = [[end - start for start, end in zip(a, b, strict=True)] for a, b in pairwise(marks[:-1])]
    wall, processor = (sum(times) / len(steps) for times in zip(*steps, strict=True))
    return {"seconds": wall, "processor": processor, "error": sum(errors) / len(errors), "divergence": apart}


if __name__ == "__main__":
    main()
