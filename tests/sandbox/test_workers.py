"""Workers die, are replaced, and never outlive their harness."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import StageError, UsageError
from harness.sandbox import Limits, Provider, Sandbox, open_sandbox, passes, providers, register, replaced_workers
from harness.sandbox.bwrap import BwrapSandbox
from harness.sandbox.hostile import EXPECTED, HONEST, HOSTILE, INPUTS
from harness.sandbox.zygote_process import Zygote


def zygote_pid(sandbox: Sandbox) -> int:
    assert isinstance(sandbox, BwrapSandbox)
    return sandbox._worker().pid


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return []


def descendants(pid: int) -> list[int]:
    return [found for child in children(pid) for found in (child, *descendants(child))]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("seen", [True, False], ids=["dead for some time", "dying as the program comes"])
def test_a_worker_killed_while_idle_is_replaced_and_counted(bwrap: Sandbox, seen: bool) -> None:
    for _ in range(1 if seen else 10):
        before, pid, everywhere = bwrap.replaced, zygote_pid(bwrap), replaced_workers()
        os.kill(pid, signal.SIGKILL)
        if seen:
            wait_until_gone([pid])
        assert passes(bwrap.call(HONEST, "solve", INPUTS), EXPECTED)
        assert bwrap.replaced == before + 1
        assert replaced_workers() == everywhere + 1


def test_a_worker_that_takes_a_program_and_dies_before_running_it_is_replaced(bwrap: Sandbox) -> None:
    """A packet that the zygote has taken and not read: as if it were killed between the two."""
    before, pid = bwrap.replaced, zygote_pid(bwrap)
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    timer.start()
    assert passes(bwrap.call(HONEST, "solve", INPUTS), EXPECTED)
    assert bwrap.replaced == before + 1


def test_workers_that_never_run_anything_are_an_error_and_no_verdict(bwrap: Sandbox) -> None:
    assert isinstance(bwrap, BwrapSandbox)

    class Stillborn(BwrapSandbox):
        def _worker(self) -> Zygote:
            zygote = super()._worker()
            os.kill(zygote.pid, signal.SIGKILL)
            return zygote

    with Stillborn() as sandbox, pytest.raises(StageError, match="lost 3 workers before they ran a program"):
        sandbox.call(HONEST, "solve", INPUTS)
    assert sandbox.replaced == 3


def test_an_interrupted_program_is_not_read_as_the_next_one(bwrap: Sandbox) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        bwrap.call("import time\ndef solve(x):\n    time.sleep(1)\n    return x", "solve", [[0]])
    assert passes(bwrap.call(HONEST, "solve", INPUTS), EXPECTED)


def test_a_worker_killed_under_a_program_still_gives_a_verdict(bwrap: Sandbox) -> None:
    before = bwrap.replaced
    timer = threading.Timer(0.3, os.kill, (zygote_pid(bwrap), signal.SIGKILL))
    timer.start()
    answers = bwrap.call(
        "import time\ndef solve(x):\n    time.sleep(x)\n    return x", "solve", [[0], [20]], Limits(seconds=10)
    )
    assert answers.values == (0,)
    assert answers.error == "the program took its worker down"
    assert passes(bwrap.call(HONEST, "solve", INPUTS), EXPECTED)
    assert bwrap.replaced == before + 1


def test_a_mess_that_cannot_be_wiped_costs_nothing(bwrap: Sandbox) -> None:
    before = bwrap.replaced
    assert not passes(bwrap.call(HOSTILE["folder_without_rights"], "solve", INPUTS), EXPECTED)
    assert bwrap.run("import os; print(os.listdir('/tmp'))").stdout == "['work']\n"
    assert bwrap.replaced == before


def test_strict_shares_nothing_between_programs(strict: Sandbox) -> None:
    source = "import os, time\ntime.sleep(0.5)\ndef solve(name):\n    return os.readlink('/proc/self/ns/' + name)\n"
    names = [["user"], ["pid"], ["net"], ["ipc"], ["mnt"]]
    before = children(os.getpid())

    def look() -> Sequence[object]:
        with open_sandbox("strict") as sandbox:
            return sandbox.call(source, "solve", names, Limits(seconds=10)).values

    with ThreadPoolExecutor() as pool:  # at the same time: the kernel numbers the next namespace as one that is gone
        first, second = (found.result() for found in [pool.submit(look) for _ in range(2)])
    assert len(first) == 5
    assert not set(first) & set(second)
    assert strict.replaced == 0
    assert set(children(os.getpid())) <= set(before)


@pytest.mark.parametrize("name", ["json_on_every_descriptor", "always_equal", "fork_bomb", "kill_zygote", "daemon"])
def test_strict_stands_hostile_programs(strict: Sandbox, name: str) -> None:
    assert not passes(strict.call(HOSTILE[name], "solve", INPUTS, Limits(seconds=0.6, processes=8)), EXPECTED)
    assert passes(strict.call(HONEST, "solve", INPUTS), EXPECTED)


@pytest.mark.parametrize(
    "name",
    ["always_equal", "int_subclass", "json_on_every_descriptor", "frame_walk", "os_exit_0", "patched_json", "sleep"],
)
def test_the_weaker_kind_is_not_fooled_either(process: Sandbox, name: str) -> None:
    assert not passes(process.call(HOSTILE[name], "solve", INPUTS, Limits(seconds=0.6)), EXPECTED)
    assert passes(process.call(HONEST, "solve", INPUTS), EXPECTED)


@pytest.mark.skipif(os.geteuid() != 0, reason="the harness's own user runs the programs")
def test_root_gives_up_its_id_in_the_weaker_kind(process: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    source = f"""
import os
def solve(x):
    try: open({str(tmp_path / "mine")!r}, "w").write("overwritten")
    except OSError as error: return [os.getuid() != 0, error.errno]
"""
    assert process.call(source, "solve", [[0]]).values == ([True, 13],)
    assert (tmp_path / "mine").read_text() == "kept"


def test_workers_in_threads_do_not_mix(bwrap: Sandbox) -> None:
    verdicts: list[bool] = []

    def work(offset: int) -> None:
        with open_sandbox() as sandbox:
            for i in range(offset, offset + 30):
                verdicts.append(sandbox.call("def solve(x):\n    return -x", "solve", [[i]]).values == (-i,))

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 90


@pytest.mark.parametrize("fork", [False, True], ids=["alone", "with a fork that holds its sockets"])
def test_a_killed_harness_leaves_no_process(bwrap: Sandbox, fork: bool) -> None:
    script = f"""
import os, threading, time
from harness.sandbox import Limits, open_sandbox
sandbox = open_sandbox()
fork = os.fork() if {fork} else 0
if {fork} and fork == 0:
    os.close(1)
    time.sleep(20)
    os._exit(0)
threading.Timer(0.5, print, (fork,), {{"flush": True}}).start()
source = "import time, os\\ndef solve():\\n    os.fork()\\n    time.sleep(60)"
sandbox.call(source, "solve", [[]], Limits(seconds=60))
"""
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root) as harness:
        assert harness.stdout is not None
        forked = int(harness.stdout.readline())
        (bubblewrap,) = set(children(harness.pid)) - {forked}
        (zygote,) = children(bubblewrap)
        pids = [bubblewrap, *descendants(bubblewrap)]
        assert zygote in pids
        assert len(pids) == 7, "bubblewrap, zygote, two cells of init and program, the running program's fork"
        harness.kill()
    try:
        wait_until_gone(pids)
    finally:
        if forked:
            os.kill(forked, signal.SIGKILL)


def test_closing_in_a_fork_leaves_the_worker_to_its_owner(bwrap: Sandbox) -> None:
    before = bwrap.replaced
    child = os.fork()
    if child == 0:
        bwrap.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert passes(bwrap.call(HONEST, "solve", INPUTS), EXPECTED)
    assert bwrap.replaced == before


def test_closing_twice_is_closing_once(bwrap: Sandbox) -> None:
    sandbox = open_sandbox()
    sandbox.close()
    sandbox.close()


def test_missing_bubblewrap_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"bubblewrap is not installed .*apt.*--sandbox process"):
        open_sandbox()


def test_a_bubblewrap_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UsageError, match=r"No permissions to create new namespace.*unprivileged user namespaces"):
        open_sandbox()


def test_a_provider_from_outside_is_opened_by_its_name(process: Sandbox) -> None:
    with pytest.raises(UsageError, match=r"no sandbox is called 'far'.*bwrap, strict, process"):
        open_sandbox("far")
    register(Provider("far", "another machine", lambda: process))
    try:
        assert open_sandbox("far") is process
        with pytest.raises(UsageError, match="two sandboxes"):
            register(Provider("far", "yet another", lambda: process))
    finally:
        from harness.sandbox.providers import _providers

        del _providers["far"]
    assert [provider.name for provider in providers() if provider.weak] == ["process"]
