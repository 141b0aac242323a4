"""Every hostile program gets the verdict "fail", leaves no trace, and the sandbox serves the next one."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.sandbox import Limits, Sandbox, passes
from harness.sandbox.hostile import EXPECTED, HONEST, HOSTILE, INPUTS

LIMITS = Limits(seconds=0.5, memory_mb=192, processes=12)
LOOK_AROUND = """
import os
def solve(x):
    pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    return [[pid for pid in pids if pid not in (1, os.getpid())], os.listdir("/tmp"), os.listdir("."), os.getpid(),
            os.listxattr("/tmp"), os.stat("/tmp").st_ino, os.stat("/tmp/work").st_ino, open("/proc/self/mounts").read()]
"""


class Listener:
    """A live server on the host that programs try to reach."""

    def __init__(self, family: int, address: object) -> None:
        self.socket = socket.socket(family)
        self.socket.bind(address)
        self.socket.listen()
        self.callers = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            self.callers += 1
            caller.sendall(b"SECRET-")
            caller.close()


@pytest.fixture(scope="module")
def listeners() -> Iterator[tuple[Listener, Listener]]:
    tcp = Listener(socket.AF_INET, ("127.0.0.1", 0))
    abstract = Listener(socket.AF_UNIX, f"\0harness-{secrets.token_hex(4)}")
    yield tcp, abstract
    tcp.socket.close()
    abstract.socket.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("project") / "answers.txt"
    file.write_text("SECRET-0123456789abcdef")
    file.chmod(0o666)
    return file


@pytest.fixture
def prelude(listeners: tuple[Listener, Listener], project: Path) -> str:
    """What an attacker is given for free: where to look."""
    tcp, abstract = listeners
    paths = [str(project), __file__, str(Path(__file__).parents[2] / "pyproject.toml")]
    return f"PATHS = {paths!r}; PORT = {tcp.socket.getsockname()[1]}; ABSTRACT = {abstract.socket.getsockname()!r}\n"


def children() -> set[str]:
    return {child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


def surroundings(sandbox: Sandbox) -> object:
    return sandbox.call(LOOK_AROUND, "solve", [[0]]).values


@pytest.mark.parametrize("name", HOSTILE)
def test_fails_and_leaves_no_trace(
    name: str, bwrap: Sandbox, prelude: str, project: Path, listeners: tuple[Listener, Listener]
) -> None:
    before, mounts = surroundings(bwrap), Path("/proc/self/mounts").read_text()
    alive = len(children())  # this sandbox's bubblewrap, and those of other tests
    assert before[0][:3] == [[], ["work"], []]
    secret = f"SECRET-{secrets.token_hex(8)}"
    # The first expected value is the secret: no program can know it, so even right arithmetic fails with it …
    assert not passes(bwrap.call(prelude + HOSTILE[name], "solve", INPUTS, LIMITS), [secret, *EXPECTED[1:]])
    # … and against the plain ones a hostile program must not pass either.
    assert not passes(bwrap.call(prelude + HOSTILE[name], "solve", INPUTS, LIMITS), EXPECTED)
    bwrap.run(prelude + HOSTILE[name] + "\nsolve(1)\n", LIMITS)
    assert passes(bwrap.call(HONEST, "solve", INPUTS), EXPECTED)
    assert surroundings(bwrap) == before
    assert Path("/proc/self/mounts").read_text() == mounts
    assert len(children()) == alive
    assert project.read_text() == "SECRET-0123456789abcdef"
    assert [listener.callers for listener in listeners] == [0, 0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit_zygote", "refused"),
        ("interpreter_overwritten", "refused"),
        ("ptrace_zygote", [-1] * 2),
        ("new_namespaces_and_mounts", [-1] * 6),
        ("lasting_kernel_objects", [-1] * 5),
        ("symlinks_out", None),
        ("proc_walk", None),
    ],
)
def test_the_attempt_itself_is_refused(name: str, value: object, bwrap: Sandbox, prelude: str) -> None:
    assert bwrap.call(prelude + HOSTILE[name], "solve", INPUTS).values == (value,) * 3


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 40
