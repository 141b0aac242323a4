"""The weaker sandbox says what it is: consent before a run, the report's footer after it, nothing left when all is killed."""

from __future__ import annotations

import dataclasses
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.sandbox import Limits, Sandbox, passes
from harness.sandbox.identity import Uid
from harness.sandbox.inside import landlock
from harness.sandbox.interpreter import this_interpreter
from harness.sandbox.process import Supervisor

ROOT = Path(__file__).parents[2]
needs_landlock = pytest.mark.skipif(landlock.version() < 1, reason="this kernel has no Landlock")


@pytest.mark.parametrize(("kind", "accepted"), [("process", False), ("process", True), ("bwrap", False)])
def test_a_suite_that_judges_by_running_wants_consent(kind: str, accepted: bool, tiny_qwen2: Path) -> None:
    fields = {
        "tasks": ("leetcode-loopholes",),
        "model": (str(tiny_qwen2),),
        "limit": 2,
        "suite_flags": {"sandbox": kind},
    }
    experiment = experiment_from({**fields, "accept_weak_isolation": accepted})
    catalogue = load_catalogue(load_plugins([]))
    if kind == "process" and not accepted:
        with pytest.raises(UsageError, match=r"--sandbox process does not keep .*--accept-weak-isolation"):
            make_plan(experiment, catalogue)
    else:
        assert make_plan(experiment, catalogue).cells


def test_what_the_parent_knows_is_closed_to_the_program(process: Sandbox) -> None:
    secret = f"SECRET-{secrets.token_hex(8)}"
    source = """
import os, re
def solve(x):
    pid = os.getppid()
    for ancestor in (pid, X):
        with open(f"/proc/{ancestor}/mem", "rb", 0) as memory:
            for line in open(f"/proc/{ancestor}/maps"):
                a, b = (int(n, 16) for n in line.split()[0].split("-"))
                if "rw-p" in line and b - a < 1 << 28:
                    memory.seek(a)
                    found = re.search(rb"SECRET-[0-9a-f]{16}", memory.read(b - a))
                    if found: return found.group().decode()
"""
    answers = process.call(f"X = {os.getpid()}\n{source}", "solve", [[0]], Limits(seconds=10))
    assert not passes(answers, [secret])
    assert answers.error is not None
    assert "PermissionError" in answers.error


@needs_landlock
def test_files_signals_and_sockets_are_out_of_reach(process: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("42")
    (tmp_path / "answers").chmod(0o666)
    source = f"""
import json, os, socket
def refused(what):
    try: what()
    except OSError as error: return error.errno
def solve():
    open("mine", "w").write("x")
    return [refused(what) for what in (
        lambda: open({str(tmp_path / "answers")!r}).read(), lambda: open({str(tmp_path / "answers")!r}, "a"),
        lambda: os.listdir("/tmp"), lambda: open("/etc/passwd"), lambda: open({__file__!r}), lambda: os.listdir("/proc"),
        lambda: os.kill({os.getpid()}, 0), lambda: socket.socket(), lambda: os.memfd_create("x"),
    )] + [open("mine").read(), json.loads("1")]
"""
    assert process.call(source, "solve", [[]]).values == ([13, 13, 13, 13, 13, 13, 1, 1, 1, "x", 1],)


def test_a_killed_harness_leaves_no_program(process: Sandbox) -> None:
    script = """
from harness.sandbox import Limits, open_sandbox
sandbox = open_sandbox("process")
sandbox.call("def solve():\\n    return 0", "solve", [[]])
source = "import os, time\\ndef solve():\\n    if os.fork() == 0: os.setsid()\\n    time.sleep(60)"
print("x", flush=True)
sandbox.call(source, "solve", [[]], Limits(seconds=60))
"""
    folders = set(Path(tempfile.gettempdir()).glob("harness-program-*"))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT) as harness:
        assert harness.stdout is not None
        harness.stdout.readline()
        deadline = time.monotonic() + 20
        while len(pids := below(harness.pid)) < 3 and time.monotonic() < deadline:  # supervisor, program, its fork
            time.sleep(0.02)
        assert len(pids) == 3
        harness.kill()
    deadline = time.monotonic() + 10
    while any(running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(running(pid) for pid in pids)
    while (
        left := set(Path(tempfile.gettempdir()).glob("harness-program-*")) - folders
    ) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def test_a_harness_that_is_gone_before_it_asks_leaves_no_folder(process: Sandbox) -> None:
    supervisor = Supervisor()
    supervisor.control.close()
    deadline = time.monotonic() + 20
    while Path(supervisor._folder).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(supervisor._folder).exists()
    supervisor.end()


def below(pid: int) -> list[int]:
    try:
        text = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [found for child in map(int, " ".join(text).split()) for found in (child, *below(child))]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's programs have user ids of their own")
def test_no_two_harnesses_lease_the_same_user_id() -> None:
    script = (
        "from harness.sandbox.identity import Uid\nprint([Uid.lease().number for _ in range(40)], flush=True)\ninput()"
    )
    command = [sys.executable, "-c", script]
    others = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=ROOT) for _ in range(2)]
    leased = [Uid.lease() for _ in range(40)]
    found = [number for other in others for number in eval(other.stdout.readline())]  # type: ignore[union-attr]
    for other in others:
        other.communicate("\n")
    numbers = [*found, *(uid.number for uid in leased if uid)]
    for uid in leased:
        assert uid is not None
        uid.release()
    assert len(numbers) == 120
    assert len(set(numbers)) == 120


def test_a_worker_whose_driver_is_gone_ends_before_it_works() -> None:
    command = [sys.executable, "-m", "harness.running.executors.worker", "1", str(os.getppid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as worker:
        assert worker.wait(60) == 1


def test_a_harness_killed_while_it_starts_one_leaves_no_folder(process: Sandbox) -> None:
    """At any moment: while it looks at the interpreter, before and after the supervisor is there."""
    script = "from harness.sandbox.process import Supervisor\nprint(flush=True)\nwhile True: Supervisor()"
    folders = set(Path(tempfile.gettempdir()).glob("harness-program-*"))
    for delay in (0.0, 0.05, 0.3):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT) as harness:
            assert harness.stdout is not None
            harness.stdout.readline()
            time.sleep(delay)
            harness.kill()
    deadline = time.monotonic() + 20
    while (
        left := set(Path(tempfile.gettempdir()).glob("harness-program-*")) - folders
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_an_interpreter_that_cannot_be_started_is_one_line(process: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    python = this_interpreter()
    monkeypatch.setattr(
        "harness.sandbox.process.this_interpreter", lambda: dataclasses.replace(python, executable=Path("/nowhere"))
    )
    with pytest.raises(UsageError, match="cannot start /nowhere"):
        Supervisor()
