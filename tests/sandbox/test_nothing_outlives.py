"""What one program writes, the next one cannot read: every place where a program could leave a message, one after another.

`find` of a pair is asked before and after `leave`: what it sees must be the same.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.sandbox import Sandbox, open_sandbox
from harness.sandbox.hostile import PLACES


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["bwrap", "strict"])
def test_nothing_outlives_its_program(kind: str, place: str, request: pytest.FixtureRequest) -> None:
    sandbox: Sandbox = request.getfixturevalue(kind)
    leave, find = PLACES[place]
    before = sandbox.call(find, "find", [[]])
    sandbox.call(leave, "leave", [[]])
    sandbox.run(leave + "\nleave()\n")
    assert sandbox.call(find, "find", [[]]) == before
    assert before.values or before.error


@pytest.mark.parametrize("place", ["attributes of /tmp", "times of /tmp", "mode of /tmp"])
def test_a_program_does_see_what_it_has_left_itself(bwrap: Sandbox, place: str) -> None:
    """These places are real: what hides them from the next program is that it has others."""
    leave, find = PLACES[place]
    both = "def both():\n    before = find()\n    leave()\n    return before == find()\n"
    assert bwrap.call(leave + find + both, "both", [[]]).values == (False,)


def test_no_socket_but_a_pair_can_be_made(bwrap: Sandbox) -> None:
    source = """
import asyncio, socket
def solve(family, kind):
    try: socket.socket(family, kind)
    except OSError as error: return error.errno
async def add(a, b):
    await asyncio.sleep(0)
    return a + b
def pair():
    a, b = socket.socketpair()
    a.send(b"x")
    return [b.recv(1).decode(), asyncio.run(add(1, 2))]
"""
    families = [[family, kind] for family in (1, 2, 10, 16, 17, 38, 40) for kind in (1, 2, 3)]
    assert set(bwrap.call(source, "solve", families).values) == {1}  # EPERM
    assert bwrap.call(source, "pair", [[]]).values == (["x", 3],)


def test_a_program_holds_no_descriptor_but_its_own(bwrap: Sandbox) -> None:
    for _ in range(3):
        (names,) = bwrap.call(
            "import os\ndef solve():\n    found = []\n    for n in range(256):\n"
            "        try: found.append(os.readlink(f'/proc/self/fd/{n}').split(':')[0])\n        except OSError: pass\n"
            "    return found\n", "solve", [[]],
        ).values  # fmt: skip
        assert names == ["/dev/null", "/dev/null", "/dev/null", "pipe"]


def test_the_machines_devices_keep_their_times(bwrap: Sandbox) -> None:
    device = Path("/dev/full")
    before = device.stat().st_mtime_ns
    answers = bwrap.call("import os\ndef solve(x):\n    os.utime('/dev/full', (x, x))\n    return 0\n", "solve", [[1]])
    assert answers.error == "OSError: [Errno 30] Read-only file system"
    assert device.stat().st_mtime_ns == before
    assert bwrap.run("import os; print(sorted(os.listdir('/dev')))").stdout == "['full', 'null', 'urandom', 'zero']\n"
    writes = (
        "def solve():\n    print(1, file=open('/dev/null', 'w'))\n    return len(open('/dev/urandom', 'rb').read(8))"
    )
    assert bwrap.call(writes, "solve", [[]]).values == (8,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's workers have user ids of their own")
def test_no_two_workers_share_a_user_id(bwrap: Sandbox) -> None:
    with open_sandbox("bwrap") as other:
        ids = [sandbox._server._uid.number for sandbox in (bwrap, other)]  # type: ignore[attr-defined]
    assert len(set(ids)) == 2
