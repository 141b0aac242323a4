"""Disks that are full, folders that may not be written, files of another owner: one line, exit code 1, and no row lost."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.cli.report import publish
from harness.errors import StageError
from harness.registry.name_sources import NameSources
from harness.store.files import append_jsonl, read_jsonl
from harness.store.run import RunStore

OLD = Path(__file__).parent / "old_run"
NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, or becomes another user")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A disk of that size at `folder`, and how to change its size."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a disk here")
    try:
        yield lambda to: subprocess.run(["mount", "-o", f"remount,size={to}", folder], check=True) and None
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@as_root
def test_a_row_that_did_not_fit_is_written_when_there_is_room(tmp_path):
    rows = [{"n": n, "text": "x" * 1000} for n in range(100)]
    with small_disk(tmp_path / "disk", "32k") as resize:
        path = tmp_path / "disk" / "rows.jsonl"
        with pytest.raises(StageError, match=r"cannot write .*rows\.jsonl: No space left on device \(free some space"):
            collections.deque(append_jsonl(path, [row]) for row in rows)
        kept = len(list(read_jsonl(path)))
        assert 20 < kept < 40
        assert list(read_jsonl(path)) == rows[:kept]
        resize("1m")
        append_jsonl(path, rows[kept:])
        assert list(read_jsonl(path)) == rows


@as_root
@pytest.mark.parametrize(("full", "size"), [("r", "24k"), ("r", "72k"), ("cache/artefacts", "40k")])
def test_a_run_on_a_full_disk_resumes_when_there_is_room(cli, full, size):
    cli.run("--compressor", "rtn4")
    replies, tables = cli.replies(), cli.tables()
    for made in ("r", "cache/artefacts"):
        shutil.rmtree(cli.cwd / made)
    with small_disk(cli.cwd / full, size) as resize:
        done = cli.run("--compressor", "rtn4", code=1)
        assert "Traceback" not in done.stdout + done.stderr
        assert "space left" in done.stderr or "disk is full" in done.stderr
        resize("50m")
        cli.run("--compressor", "rtn4")
        assert (cli.replies(), cli.tables()) == (replies, tables)


# ----------------------------------------------------------------------------------------------------- another user's


def open_to_all(folder: Path) -> None:
    """pytest keeps its folders to their owner; a worker's lie one deeper."""
    folder.chmod(0o755)
    for above in itertools.takewhile(lambda one: one.name.startswith(("pytest-", "popen-")), folder.parents):
        above.chmod(0o755)


def said_to_nobody(do: Callable[[], None]) -> tuple[int, str]:
    """Exit code and stderr of `main` with `do` for its verbs, called by a user who owns nothing."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.dup2(write_end, 2)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        code = 0
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("harness.cli.app", do)
                main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException as error:
            print(f"Traceback: {error!r}", file=sys.stderr)
            code = 99
        sys.stderr.flush()
        os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


@as_root
@pytest.mark.parametrize(
    ("closed", "mode", "words"),
    [
        ("", 0o755, "cannot write"),  # may be read, not written
        ("", 0o700, "Permission denied"),
        ("plan.json", 0o600, "cannot read"),
        ("cells", 0o700, "Permission denied"),
        ("cells/*/verdicts-*.jsonl", 0o600, "cannot read"),
        ("cells/*/state.json", 0o600, "cannot read"),
        ("env.json", 0o600, "cannot read"),
    ],
)
def test_another_users_run_folder_is_one_line(tmp_path, closed, mode, words):
    open_to_all(tmp_path)
    run = Path(shutil.copytree(OLD, tmp_path / "run"))
    options = NameSources()
    publish(RunStore(run), options)  # loads whatever it loads while it may
    shutil.rmtree(run / "report")
    for path in run.glob(closed) if closed else [run]:
        path.chmod(mode)
    code, said = said_to_nobody(lambda: publish(RunStore(run), options))
    assert (code in (1, 2), said.count("\n"), said.startswith("error: ")) == (True, 1, True), said
    assert words in said


@as_root
def test_another_users_lock_is_one_line(tmp_path):
    open_to_all(tmp_path)
    run = Path(shutil.copytree(OLD, tmp_path / "run"))

    def lock() -> None:
        with RunStore(run).lock():
            pass

    code, said = said_to_nobody(lock)
    assert code == 1
    assert said.startswith(f"error: cannot lock {run / '.lock'}: Permission denied")
