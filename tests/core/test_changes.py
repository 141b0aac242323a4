"""A folder that grows on a node is the same folder on the driver, whatever was appended, replaced or cut in it."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import StageError
from harness.running.executors.changes import Outbox, apply, read_all
from harness.store.files import append_jsonl, visible_files, write_jsonl, write_text


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in visible_files(folder)}


@pytest.mark.parametrize("seed", range(20))
def test_the_driver_follows_whatever_happens_on_the_node(tmp_path, seed):
    chance = random.Random(seed)
    here, there = tmp_path / "driver", tmp_path / "node"
    rows = here / "cells" / "a" / "samples.jsonl"
    append_jsonl(rows, [{"n": 0}])
    with rows.open("ab") as file:
        file.write(b'{"n": 1, "cut')  # of a killed driver
    outbox = Outbox(there)
    outbox.place(read_all(here, ["cells/a"]))
    rows = there / rows.relative_to(here)
    for number in range(60):
        match chance.randrange(6):
            case 0 | 1:
                append_jsonl(rows, [{"n": number, "text": "x" * chance.randrange(500)}])
            case 2:
                write_jsonl(rows, [{"n": number}] * chance.randrange(9))  # what is asked again goes
            case 3:
                with rows.open("ab") as file:
                    file.write(b'{"n": 1, "cut')  # of a killed worker
            case 4:
                write_text(there / "cells" / "a" / f"{chance.choice('bc')}.done", str(number))
            case 5:
                with (there / "log.txt").open("a") as file:
                    file.write("no end of line")
        if chance.random() < 0.5:
            apply(outbox.changes(), here)
    append_jsonl(rows, [{"last": True}])
    apply(outbox.changes(), here)
    assert contents(here) == contents(there)
    assert outbox.changes() == []


def test_what_was_lost_on_the_driver_is_said(tmp_path):
    outbox = Outbox(tmp_path / "node")
    append_jsonl(tmp_path / "node" / "rows.jsonl", [{"n": 1}])
    apply(outbox.changes(), tmp_path / "driver")
    append_jsonl(tmp_path / "node" / "rows.jsonl", [{"n": 2}])
    (tmp_path / "driver" / "rows.jsonl").write_bytes(b"")
    with pytest.raises(StageError, match="shorter than it was"):
        apply(outbox.changes(), tmp_path / "driver")


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_without_ray_its_executor_is_one_line(cli):
    done = cli.run("--executor", "ray", code=2)
    assert "pip install 'goodhart-harness[ray]'" in done.stderr


def test_what_a_node_runs_imports_neither_ray_nor_torch():
    code = "import harness.running.executors.on_node, sys; print({'ray', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
