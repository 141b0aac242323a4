"""The limits hold, each shown by a program that would be harmless without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sandbox import Limits, Sandbox, available

ROOT = Path(__file__).parents[2]
LIMITS = Limits(seconds=3, memory_mb=128, processes=4, file_bytes=1000)


def value_of(sandbox: Sandbox, source: str, limits: Limits = LIMITS) -> object:
    answers = sandbox.call(source, "solve", [[]], limits)
    return answers.values[0] if answers.values else answers.error


def test_number_of_processes(bwrap: Sandbox) -> None:
    source = """
import os, time
def solve():
    for started in range(8):
        try:
            if os.fork() == 0: time.sleep(1); os._exit(0)
        except OSError: return started
"""
    assert value_of(bwrap, source) == 3  # the program itself is the fourth


def test_number_of_threads(bwrap: Sandbox) -> None:
    source = """
import threading, time
def solve():
    for started in range(8):
        try: threading.Thread(target=time.sleep, args=(1,)).start()
        except RuntimeError: return started
"""
    assert value_of(bwrap, source) == 3


def test_memory_of_one_process(sandbox: Sandbox) -> None:
    assert value_of(sandbox, "def solve():\n    return len(bytearray(60 << 20))") == 60 << 20
    assert value_of(sandbox, "def solve():\n    return len(bytearray(140 << 20))") == "MemoryError:"


def test_memory_of_all_processes_together(bwrap: Sandbox) -> None:
    source = """
import os, time
def solve():
    for _ in range(3):
        if os.fork() == 0:
            block = bytearray(60 << 20)
            for i in range(0, len(block), 4096): block[i] = 1
            time.sleep(30)
    time.sleep(30)
"""
    assert value_of(bwrap, source) == "stopped: more than 128 MB in use"


HOARDS = {
    "shared maps": """
import mmap, os, time
def solve():
    for _ in range(3):
        if os.fork() == 0:
            block = mmap.mmap(-1, 60 << 20)
            time.sleep(30)
    time.sleep(30)
""",
    "files in /tmp beside private memory": """
import time
def solve():
    for i in range(60):
        with open(str(i), "wb") as file: file.write(bytes(1 << 20))
    block = bytearray(80 << 20)
    for i in range(0, len(block), 4096): block[i] = 1
    time.sleep(30)
""",
    "files that have no name any more": """
import os, time
def solve():
    kept = []
    for i in range(60):
        kept.append(open("f", "wb")); kept[-1].write(bytes(1 << 20)); kept[-1].flush()
        os.unlink("f")
        if i > 50: kept[-1].close()
    block = bytearray(90 << 20)
    for i in range(0, len(block), 4096): block[i] = 1
    time.sleep(30)
""",
    "sockets": """
import os, socket, time
def solve():
    for _ in range(6):
        if os.fork() == 0: break
    kept = [socket.socketpair() for _ in range(28)]
    time.sleep(30)
""",
}


@pytest.mark.parametrize("hoard", HOARDS)
def test_memory_wherever_it_is_held(bwrap: Sandbox, hoard: str) -> None:
    limits = Limits(seconds=10, memory_mb=128, processes=8)
    assert value_of(bwrap, HOARDS[hoard], limits) == "stopped: more than 128 MB in use"


@pytest.mark.parametrize(
    "attempt",
    ["os.memfd_create('x')", "fcntl.fcntl(os.pipe()[0], 1031, 1 << 20)", "libc.syscall(278, os.pipe()[1], 0, 0, 0)",
     "socket.socketpair()[0].setsockopt(1, 7, 1 << 20)", "libc.shmget(7, 4096, 0o1666)", "libc.syscall(447, 0)"],
)  # fmt: skip
def test_memory_that_nothing_counts_cannot_be_had(bwrap: Sandbox, attempt: str) -> None:
    source = f"""
import ctypes, fcntl, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def solve():
    try: return [{attempt}, ctypes.get_errno()]
    except OSError as error: return [-1, error.errno]
"""
    assert value_of(bwrap, source) == [-1, 1]


def test_honest_holdings_are_no_excess(bwrap: Sandbox) -> None:
    source = """
import mmap, socket, time
def solve():
    block, pairs, shared = bytearray(40 << 20), [socket.socketpair() for _ in range(3)], mmap.mmap(-1, 10 << 20)
    time.sleep(0.3)
    return len(block)
"""
    assert value_of(bwrap, source) == 40 << 20


def test_number_of_files(bwrap: Sandbox) -> None:
    source = """
def solve():
    for i in range(1_000_000): open(str(i), "w").close()
"""
    assert value_of(bwrap, source, Limits(seconds=20)) == "OSError: [Errno 28] No space left on device: '9998'"


def test_size_of_a_file(sandbox: Sandbox) -> None:
    source = """
def solve():
    with open("f", "wb", 0) as f:
        return [f.write(bytes(600)), f.write(bytes(600)), f.write(b"x")]
"""
    assert value_of(sandbox, source) == "OSError: [Errno 27] File too large"


def test_length_of_the_reply(sandbox: Sandbox) -> None:
    limits = Limits(reply_bytes=1000)
    assert value_of(sandbox, "def solve():\n    return 'x' * 900", limits) == "x" * 900
    assert value_of(sandbox, "def solve():\n    return 'x' * 100_000", limits) == "stopped: the reply is too long"


@pytest.mark.parametrize("field", ["seconds", "processes"])
def test_a_limit_is_positive(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Limits(**{field: 0})


@pytest.mark.parametrize("kind", ["bwrap", "process"])
def test_waiting_for_a_processor_is_not_the_programs_time(kind: str) -> None:
    """A quarter of one core, because something else is busy there: 0.3 s of work takes longer than the second allowed."""
    if reason := available()[kind]:
        pytest.skip(reason)
    script = f"""
import os
from harness.sandbox import Limits, open_sandbox
os.nice(5)
source = '''
import time
def solve():
    while time.process_time() < 0.3: pass
    return 7
def forever():
    time.sleep(60)
'''
with open_sandbox({kind!r}) as sandbox:
    print(sandbox.call(source, "solve", [[]], Limits(seconds=1)).values)
    print(sandbox.call(source, "forever", [[]], Limits(seconds=1)).timed_out)
"""
    core = min(os.sched_getaffinity(0))
    pinned = ["taskset", "-c", str(core), sys.executable, "-c"]
    with subprocess.Popen([*pinned, "while True: pass"]) as busy:
        said = subprocess.run([*pinned, script], capture_output=True, text=True, check=True, cwd=ROOT).stdout
        busy.kill()
    assert said.split() == ["(7,)", "True"]
