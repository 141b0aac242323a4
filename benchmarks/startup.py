"""What the daily loop costs to start, against what its libraries cost alone.

    python benchmarks/startup.py [--repeats 9] [--run-repeats 5] [--model FOLDER]

Two comparisons, each in turns within one run, medians of the repeats, one thread:
- `harness --help` and `harness list` against a program that imports pluggy, pydantic, rich and typer and prints a help.
- A run of one item (no compressor, no training) against a program that imports torch and transformers and loads the same
  model and tokenizer. The run is measured with an empty cache, with the cache that its first repeat left, and with two
  cells, where the second shows what a cell costs once its worker is there.

Every command runs once before it counts, so that bytecode is written and files are in memory. Wall is what a user waits;
CPU (user and system, children included) is steadier where other work keeps the machine busy.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BARE_COMMAND = """
import pluggy, pydantic, rich, typer
app = typer.Typer(add_completion=False)
@app.command()
def hello(name: str = "you") -> None:
    "Say hello."
app()
"""
BARE_MODEL = """
import sys, torch, transformers
transformers.AutoTokenizer.from_pretrained(sys.argv[1])
transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])
"""
HARNESS = [sys.executable, "-m", "harness"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


@dataclass
class Contestant:
    name: str
    command: Callable[[], list[str]]
    cache: Path
    wall: list[float] = field(default_factory=list)  # seconds, one a repeat
    cpu: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="of the commands that run nothing")
    parser.add_argument("--run-repeats", type=int, default=5, help="of the runs of one item; 0 leaves them out")
    parser.add_argument("--model", default="pocket", help="registry entry or folder")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ", end="")
    print(f"load average {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        compare(starts(folder), folder, options.repeats, "Start")
        if options.run_repeats:
            compare(runs(folder, options.model), folder, options.run_repeats, "A run of one item")
    print(f"\nload average {os.getloadavg()[0]:.1f} at the end")


def starts(folder: Path) -> list[Contestant]:
    return [
        Contestant("bare", lambda: [sys.executable, "-c", BARE_COMMAND, "--help"], folder),
        Contestant("harness --help", lambda: [*HARNESS, "--help"], folder),
        Contestant("harness list", lambda: [*HARNESS, "list"], folder),
    ]


def runs(folder: Path, model: str) -> list[Contestant]:
    from harness.registry.sources import resolve

    loaded = str(resolve(model))
    cold, warm = folder / "cold", folder / "warm"

    def run(*arguments: str) -> Callable[[], list[str]]:
        def command() -> list[str]:
            shutil.rmtree(cold, ignore_errors=True)
            out = tempfile.mkdtemp(dir=folder)
            return [*HARNESS, "run", "--model", model, "--tasks", "goodhart7", "--limit", "1", "--out", out, *arguments]

        return command

    return [
        Contestant("bare", lambda: [sys.executable, "-c", BARE_MODEL, loaded], folder),
        Contestant("run, empty cache", run(), cold),
        Contestant("run", run(), warm),
        Contestant("run of two cells", run("--seeds", "42,43"), warm),
    ]


def compare(contestants: list[Contestant], folder: Path, repeats: int, title: str) -> None:
    for contestant in contestants:
        measure(contestant, folder)
    for _ in range(repeats):
        for contestant in contestants:
            wall, cpu = measure(contestant, folder)
            contestant.wall.append(wall)
            contestant.cpu.append(cpu)
    bare = contestants[0]
    print(f"\n{title}, {repeats} repeats:\n")
    print("| command | wall (s) | ratio | CPU (s) | ratio |")
    print("|---|---|---|---|---|")
    for one in contestants:
        wall, cpu = statistics.median(one.wall), statistics.median(one.cpu)
        print(
            f"| {one.name} | {wall:.3f} | {wall / statistics.median(bare.wall):.2f} "
            f"| {cpu:.3f} | {cpu / statistics.median(bare.cpu):.2f} |"
        )


def measure(contestant: Contestant, folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one call. Raises CalledProcessError if it fails."""
    command = contestant.command()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env={**ENVIRONMENT, "HARNESS_CACHE": str(contestant.cache)},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
