"""`harness cache`: what is listed, what goes, and what stays."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.store.locks import exclusive_lock, lock_beside

DAY = 86400


@pytest.fixture
def cached(cli) -> Path:
    """A cache with two artefacts, one of them 40 days old, and a small old digest."""
    cache = cli.cwd / "cache"
    for name, size, days in (("old", 3_000_000, 40), ("new", 2_000_000, 0)):
        folder = cache / "artefacts" / name
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(b"\0" * size)
        (folder / "TRAINED.json").write_text(json.dumps({"trainer": {"plugin": "grpo"}}))
        (cache / "artefacts" / f"{name}.lock").touch()
        age(folder, days)
    digest = cache / "digests" / "one.json"
    digest.parent.mkdir()
    digest.write_text("{}")
    age(digest, 50)
    return cache


def age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def test_the_list_names_every_kind_and_who_made_each_artefact(cli, cached: Path) -> None:
    said = cli("cache", "list").stdout
    assert "artefacts  2        5.0 MB" in said
    assert "old       trainer grpo  3.0 MB  6 w ago" in said
    rows = json.loads(cli("cache", "list", "--json", "--kind", "artefacts").stdout)["entries"]
    assert [(Path(row["path"]).name, row["bytes"] > 1_999_999) for row in rows] == [("old", True), ("new", True)]


def test_clean_removes_by_age_and_size_and_takes_the_lock_along(cli, cached: Path) -> None:
    assert "would remove 2 entries" in cli("cache", "clean", "--older-than", "30d", "--dry-run").stdout
    assert (cached / "artefacts" / "old").is_dir()
    assert "removed 1 entry, 3.0 MB" in cli("cache", "clean", "--older-than", "30d", "--larger-than", "1MB").stdout
    assert sorted(path.name for path in (cached / "artefacts").iterdir()) == ["new", "new.lock"]
    assert (cached / "digests" / "one.json").is_file()
    cli("cache", "clean", "--kind", "artefacts")
    assert list((cached / "artefacts").iterdir()) == []


@pytest.mark.parametrize("lock", ["old.lock", "old/.lock"])
def test_what_another_process_is_making_stays(cli, cached: Path, lock: str) -> None:
    with (cached / "artefacts" / lock).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = cli("cache", "clean", "--all").stdout
    assert "1 in the making left alone" in said
    assert (cached / "artefacts" / "old").is_dir()
    assert not (cached / "artefacts" / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([], "nothing says what to remove"),
        (["--older-than", "soon"], "bad --older-than 'soon'"),
        (["--larger-than", "3 dogs"], "bad --larger-than '3 dogs'"),
        (["--kind", "weights"], "the cache holds no kind 'weights' (kinds: artefacts, digests)"),
    ],
)
def test_what_cannot_be_read_is_one_line(cli, cached: Path, arguments: list[str], cause: str) -> None:
    done = cli("cache", "clean", *arguments, code=2)
    assert done.stderr.startswith(f"error: {cause}")
    assert len(done.stderr.splitlines()) == 1
    assert (cached / "artefacts" / "old").is_dir()


def test_a_run_marks_what_it_uses(cli) -> None:
    cli.run("--compressor", "rtn4")
    (artefact,) = (path for path in (cli.cwd / "cache" / "artefacts").iterdir() if path.is_dir())
    age(artefact, 10)
    cli.run("--compressor", "rtn4", "--runs", "2")
    assert time.time() - artefact.stat().st_mtime < DAY


def test_replies_of_other_code_are_kept_and_named(cli) -> None:
    """The library's version stands for any change of a key: the run folder says so in one line and samples anew."""
    cli.run()
    before = cli.replies()
    (plan,) = cli.cwd.glob("r/plan.json")
    made = json.loads(plan.read_text())
    (cell,) = made["cells"]
    other = cell["id"][:-8] + "0" * 8
    (cli.cwd / "r" / "cells" / cell["id"]).rename(cli.cwd / "r" / "cells" / other)
    plan.write_text(json.dumps({**made, "cells": [{**cell, "id": other, "sample_key": "0" * 64}]}))
    done = cli.run()
    assert (
        "1 cell of this folder sampled by other code, libraries, settings or weights: the replies are kept"
        in done.stderr
    )
    after = cli.replies()
    assert after[other] == after[cell["id"]] == before[cell["id"]]
    (kept,) = cli.cwd.glob("r/plan-*.json")
    assert [one["id"] for one in json.loads(kept.read_text())["cells"]] == [other]
    assert "sampled by other code" not in cli.run().stderr


def test_a_waiting_maker_does_not_take_the_lock_that_clean_removed(tmp_path: Path, monkeypatch) -> None:
    """It waits on the removed file while a second maker locks the new one: both must not make the thing at once."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    made = tmp_path / "artefacts" / "one"
    made.mkdir(parents=True)
    cleaner = ExitStack()
    cleaner.enter_context(exclusive_lock(made))
    first = subprocess.Popen([sys.executable, "-c", WAITER, str(made)], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "waiting\n"
    until_it_waits(first, lock_beside(made))
    lock_beside(made).unlink()
    with exclusive_lock(made):  # the second maker
        cleaner.close()
        until_it_waits(first, lock_beside(made))
    assert first.wait(20) == 0


WAITER = """
import sys
from pathlib import Path
from harness.store.locks import exclusive_lock
print("waiting", flush=True)
with exclusive_lock(Path(sys.argv[1])):
    pass
"""


def until_it_waits(process: subprocess.Popen, lock: Path) -> None:
    """Until the process waits for the file that now bears the lock's name, as /proc/locks shows."""
    deadline, node = time.monotonic() + 20, f":{lock.stat().st_ino} "
    while not any("->" in line and f" {process.pid} " in line and node in line for line in open_locks()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def open_locks() -> list[str]:
    return Path("/proc/locks").read_text().splitlines()
