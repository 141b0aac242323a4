"""Programs per second in the sandbox, beside a fresh `python -I` per program, and a long run with killers in it.

    python benchmarks/sandbox_throughput.py > docs/results/sandbox-throughput.md

Exits with 1 if one worker serves under 200 programs a second, is under 5 times as fast as fresh interpreters on the same
programs, or if a run of 2,000 programs, one in twenty a killer, ends with a verdict missing or wrong.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from harness.sandbox import Limits, Sandbox, open_sandbox, passes
from harness.sandbox.interpreter import this_interpreter

HONEST = (
    ("def solve(x):\n    return sum(n * n for n in range(x))\n", lambda x: sum(n * n for n in range(x))),
    (
        "from collections import Counter\ndef solve(x):\n    return Counter(str(x)).most_common(1)[0][1]\n",
        lambda x: max(map(str(x).count, str(x))),
    ),
    (
        "def solve(x):\n    a, b = 0, 1\n    for _ in range(x):\n        a, b = b, a + b\n    return a % 1000007\n",
        lambda x: fibonacci(x) % 1000007,
    ),
    (
        "import heapq\ndef solve(x):\n    return heapq.nsmallest(3, [n * x % 97 for n in range(1, 60)])\n",
        lambda x: sorted(n * x % 97 for n in range(1, 60))[:3],
    ),
)
INPUTS = [[n] for n in (1, 7, 12, 30, 55, 101, 128, 300)]

KILLERS = (
    "import os\ndef solve(x):\n    os._exit(0)\n",
    "import os\ndef solve(x):\n    os.kill(os.getpid(), 9)\n",
    "import os\ndef solve(x):\n    os.fork()\n    os.kill(-1, 9)\n    os._exit(0)\n",
    "import ctypes\ndef solve(x):\n    ctypes.string_at(0)\n",
    "def solve(x):\n    while True: pass\n",
    "def solve(x):\n    a = []\n    while True: a.append(bytearray(1 << 22))\n",
    "import os\ndef solve(x):\n    while True:\n        try: os.fork()\n        except OSError: pass\n",
    "import os\nos.makedirs('a/b')\nopen('a/b/c', 'w').close()\nos.chmod('a/b', 0)\ndef solve(x):\n    return 0\n",
    "import os\ndef solve(x):\n    while True: os.mkdir('d'); os.chdir('d')\n",
    "import os, time\ndef solve(x):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(60)\n    os._exit(0)\n",
)
KILLER_LIMITS = Limits(seconds=0.5, memory_mb=128, processes=8)

FRESH = """
import json, sys
work = json.load(sys.stdin)
space = {}
exec(work["source"], space)
print(json.dumps([space["solve"](*arguments) for arguments in work["inputs"]]))
"""
ROUNDS, IN_SANDBOX, IN_FRESH = 5, 200, 20  # taken in turns, so that both meet the same load of the machine
LONG_RUN, KILLER_EVERY = 2000, 20


class Program(NamedTuple):
    source: str
    expected: list[Any]  # JSON
    killer: bool = False


def fibonacci(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def honest() -> Iterator[Program]:
    for source, reference in itertools.cycle(HONEST):
        yield Program(source, [reference(*arguments) for arguments in INPUTS])


def in_sandbox(sandbox: Sandbox, program: Program) -> bool:
    limits = KILLER_LIMITS if program.killer else None
    return passes(sandbox.call(program.source, "solve", INPUTS, limits), program.expected)


def in_fresh_interpreter(program: Program) -> bool:
    work = json.dumps({"source": program.source, "inputs": INPUTS})
    python = str(this_interpreter().executable)
    done = subprocess.run([python, "-I", "-c", FRESH], input=work, capture_output=True, text=True, check=True)
    return bool(json.loads(done.stdout) == program.expected)


def rate(run: Callable[[Program], bool], programs: list[Program]) -> float:
    """Programs per second; every one must pass."""
    start = time.perf_counter()
    for program in programs:
        if not run(program):
            raise SystemExit("an honest program failed")
    return len(programs) / (time.perf_counter() - start)


def long_run(sandbox: Sandbox) -> dict[str, float]:
    programs, killers = honest(), itertools.cycle(KILLERS)
    plan = [
        Program(next(killers), ["never"] * len(INPUTS), killer=True)
        if i % KILLER_EVERY == KILLER_EVERY - 1
        else next(programs)
        for i in range(LONG_RUN)
    ]
    start, before = time.perf_counter(), sandbox.replaced
    verdicts = [in_sandbox(sandbox, program) for program in plan]
    return {
        "programs": len(plan),
        "killers": sum(program.killer for program in plan),
        "verdicts": len(verdicts),
        "honest passed": sum(verdict for verdict, program in zip(verdicts, plan, strict=True) if not program.killer),
        "killers passed": sum(verdict for verdict, program in zip(verdicts, plan, strict=True) if program.killer),
        "zygotes replaced": sandbox.replaced - before,
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> int:
    programs = honest()
    with open_sandbox() as sandbox, open_sandbox("strict") as strict:
        rounds = [
            (
                rate(lambda program: in_sandbox(sandbox, program), list(itertools.islice(programs, IN_SANDBOX))),
                rate(in_fresh_interpreter, list(itertools.islice(programs, IN_FRESH))),
                rate(lambda program: in_sandbox(strict, program), list(itertools.islice(programs, IN_FRESH))),
            )
            for _ in range(ROUNDS)
        ]
        totals = long_run(sandbox)
    zygote, fresh, strict_rate = (sorted(column)[ROUNDS // 2] for column in zip(*rounds, strict=True))
    print("# Sandbox throughput\n")
    print("    python benchmarks/sandbox_throughput.py > docs/results/sandbox-throughput.md\n")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()};"
    )
    print(
        f"load average {os.getloadavg()[0]:.1f} at the end. One worker, {len(INPUTS)} inputs a program; median of {ROUNDS}"
    )
    print(f"rounds of {IN_SANDBOX}, {IN_FRESH} and {IN_FRESH} programs in turns.\n")
    print("| way | programs/s | per round |\n|---|---|---|")
    for name, column in zip(("bwrap (zygote)", "fresh `python -I`", "strict"), zip(*rounds, strict=True), strict=True):
        print(f"| {name} | {sorted(column)[ROUNDS // 2]:.0f} | {', '.join(f'{value:.0f}' for value in column)} |")
    print(
        f"\nbwrap is {zygote / fresh:.1f} times as fast as fresh interpreters, strict {strict_rate / fresh:.2f} times.\n"
    )
    print(
        f"A long run with one killer in {KILLER_EVERY} (exits, signals, fork and memory bombs, endless loops, unremovable"
    )
    print("folders, daemons):\n\n| | |\n|---|---|")
    for name, value in totals.items():
        print(f"| {name} | {value:g} |")
    wrong = totals["verdicts"] != LONG_RUN or totals["honest passed"] != LONG_RUN - totals["killers"]
    return int(zygote < 200 or zygote < 5 * fresh or wrong or totals["killers passed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
