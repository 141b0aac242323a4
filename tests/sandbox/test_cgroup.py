"""Where a control group can be had, each program gets one of its own; elsewhere `doctor` says why not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sandbox import Limits, Sandbox, providers
from harness.sandbox.cgroup import NAME, Group, own_group, place

V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "30 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
BELOW = "29 23 0:26 /user.slice /mnt/g rw - cgroup2 none rw\n"

here = pytest.mark.skipif(place().folder is None, reason=place().why_not)


@pytest.mark.parametrize(
    ("groups", "mounts", "expected"),
    [
        ("0::/\n", V2, ("/sys/fs/cgroup", ".")),
        ("4:memory:/x\n0::/a.slice/b.scope\n", V1 + V2, ("/sys/fs/cgroup", "a.slice/b.scope")),
        ("0::/user.slice/a\n", BELOW, ("/mnt/g", "a")),
        ("0::/system.slice\n", BELOW, None),  # what is mounted does not show it
        ("0::/../a\n", V2, None),
        ("4:memory:/x\n", V2, None),
        ("0::/\n", V1, None),
    ],
)
def test_its_own_group_is_found_where_it_is_mounted(tmp_path: Path, groups: str, mounts: str, expected) -> None:
    (tmp_path / "cgroup").write_text(groups)
    (tmp_path / "mountinfo").write_text(mounts)
    found = own_group(tmp_path)
    assert (found and tuple(map(str, found))) == expected


def test_doctor_says_what_counts_memory() -> None:
    means = next(one.means() for one in providers() if one.name == "bwrap")
    assert ("by a cgroup (v2)" in means) == (place().folder is not None)
    assert (place().folder is not None) or f"no cgroup: {place().why_not}" in means


# ------------------------------------------------------------------------------------- on a machine that has such groups


TAKES = "import os, sys; os.write({entrance}, b'0'); x = bytearray({mb} << 20); print(open('/proc/self/cgroup').read())"


def enter(group: Group, mb: int) -> subprocess.CompletedProcess[str]:
    code = TAKES.format(entrance=group.entrance, mb=mb)
    return subprocess.run([sys.executable, "-c", code], pass_fds=[group.entrance], capture_output=True, text=True)


@here
def test_what_takes_too_much_is_killed_by_the_kernel_and_the_group_goes() -> None:
    folder = place().folder
    assert folder
    group = Group(folder, 64 << 20)
    within = enter(group, 20)
    assert within.returncode == 0, within.stderr
    assert NAME in within.stdout
    assert not group.exceeded
    assert enter(group, 200).returncode == -signal.SIGKILL
    assert group.exceeded
    group.close()
    assert not list(folder.glob(f"{NAME}*"))


@here
def test_what_a_killed_harness_left_is_swept_and_what_is_in_use_is_not() -> None:
    folder = place().folder
    assert folder
    used = Group(folder, 64 << 20)
    (folder / f"{NAME}left").mkdir()
    place.cache_clear()
    assert place().folder == folder
    assert [len(left.name) for left in folder.glob(f"{NAME}*")] == [len(NAME) + 16]
    used.close()


BURST = """\
import os, time
def take(n):
    for _ in range(n):
        if os.fork() == 0:
            x = bytearray(60 << 20)
            time.sleep(2)
            os._exit(0)
    time.sleep(.01)
    while n:
        os.wait()
        n -= 1
    return "all done"
def where(n):
    return open("/proc/self/cgroup").read()
"""


@here
def test_programs_of_every_sandbox_are_in_groups_of_their_own(sandbox: Sandbox) -> None:
    limits = Limits(memory_mb=256, seconds=8)
    assert sandbox.call(BURST, "take", [[2]], limits).values == ("all done",)
    many = sandbox.call(BURST, "take", [[10]], limits)
    assert "more than 256 MB in use" in (many.error or "")
    if sandbox.kind != "process":  # there Landlock keeps it from looking
        seen = [sandbox.call(BURST, "where", [[0]], limits).values[0] for _ in range(3)]
        assert len(set(seen)) == 3
        assert all(NAME in str(one) for one in seen)
    folder = place().folder
    assert folder
    assert not list(folder.glob(f"{NAME}*"))
