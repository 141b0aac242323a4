"""Run folders and caches that something else has damaged: one line that names file and line, and nothing lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import read_header
from harness.contract import Outcome, Reply
from harness.errors import HarnessError, StageError, UsageError
from harness.planning.cells import Plan
from harness.store.files import Damaged, append_jsonl, read_json, read_jsonl, write_json, write_jsonl
from harness.store.locks import exclusive_lock, open_lock
from harness.store.run import CellStore, CompressionFacts, RunStore, SampleRow, VerdictRow

OLD = Path(__file__).parent / "old_run"
ROWS = [{"n": number} for number in range(5)]
BAD = {
    "cut": b'{"n": ',
    "bytes": b'{"n": "\xff\xfe"}',
    "empty": b"",
    "list": b"[1]",
    "number": b"7",
    "deep": b"[" * 100_000,
    "zeros": b"\0" * 9,
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("line", [0, 2, 4])
def test_a_bad_line_is_named_unless_it_is_the_last(tmp_path, kind, line):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    lines = path.read_bytes().split(b"\n")
    lines[line] = BAD[kind]
    path.write_bytes(b"\n".join(lines))
    whole = path.read_bytes()
    if line == 4:
        assert list(read_jsonl(path)) == ROWS[:4]
    else:
        with pytest.raises(Damaged, match=rf"rows\.jsonl, line {line + 1} is damaged: .*nothing was changed") as caught:
            list(read_jsonl(path))
        assert (caught.value.exit_code, "\n" in str(caught.value)) == (1, False)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("torn", [b'{"n": 9', b"\xff", b"x" * 200_000])
def test_appending_after_a_cut_line_does_not_join_the_two(tmp_path, torn):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    with path.open("ab") as file:
        file.write(torn)
    append_jsonl(path, [{"n": 5}])
    assert list(read_jsonl(path)) == [*ROWS, {"n": 5}]


def test_a_file_that_is_one_cut_line_is_begun_anew(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"n"')
    append_jsonl(path, ROWS)
    assert list(read_jsonl(path)) == ROWS


def test_rows_of_wrong_types_are_named_by_line_and_field(tmp_path):
    store = CellStore(tmp_path)
    store.append([SampleRow(item=str(n), role="r", repeat=0, batch=0, reply=Reply(text="t")) for n in range(3)])
    rows = list(read_jsonl(store.samples_path))
    rows[1]["repeat"] = "many"
    write_jsonl(store.samples_path, rows)
    with pytest.raises(Damaged, match=r"samples\.jsonl, line 2 is damaged: repeat: "):
        store.samples()


def test_verdicts_that_lack_lines_are_not_whole(tmp_path):
    store = CellStore(tmp_path)
    verdict = Outcome(proxy=True, truth=True)
    rows = [VerdictRow(item=str(n), family="f", cluster="c", repeat=0, verdict=verdict) for n in range(4)]
    path = store.verdicts_path("key")
    write_jsonl(path, (row.model_dump(mode="json") for row in rows))
    assert store.whole(store.verdicts, "key", 4)
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert not store.whole(store.verdicts, "key", 4)
    path.write_bytes(b"\n" + content)
    assert not store.whole(store.verdicts, "key", 4)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b'{"item": "0", "family": "f", "cluster": "c", "repeat": 0}', "a second row on 0"),
        (b'{"item": "9", "family": "f", "cluster": "c", "repeat": -1}', "repeat: "),
        (
            b'{"item": "9", "family": "f", "cluster": "c", "repeat": 0, "verdict": {"values": {"loss": NaN}}}',
            "a number in it is not finite",
        ),
    ],
)
def test_verdicts_that_no_grading_leaves_are_damage(tmp_path, line, cause):
    store = CellStore(tmp_path)
    rows = [VerdictRow(item=str(n), family="f", cluster="c", repeat=0, error="e").model_dump() for n in range(2)]
    write_jsonl(store.verdicts_path("key"), rows)
    with store.verdicts_path("key").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(Damaged, match=f"line 3 is damaged: {cause}"):
        store.verdicts("key")


def test_a_state_of_former_versions_is_read_and_a_wrong_one_refused(tmp_path):
    former = {"workers_replaced": 2, "hook_errors": '{"hook x failed": 3}', "bytes": 7, "bits_per_weight": 3.5}
    write_json(tmp_path / "state.json", {"state": "done", "facts": former})
    store = CellStore(tmp_path)
    assert (store.state.workers_replaced, store.state.hook_errors) == (2, {"hook x failed": 3})
    assert store.weights == CompressionFacts(bytes=7, bits_per_weight=3.5)
    for wrong in ({"workers_replaced": -1}, {"hook_errors": "["}, {"bytes": []}):
        write_json(tmp_path / "state.json", {"facts": wrong})
        with pytest.raises(Damaged, match=r"state\.json is damaged"):
            _ = store.weights


@pytest.mark.parametrize("fault", ["no cell", "a cell twice", "a contrast with nothing"])
def test_a_plan_that_does_not_hold_together_is_one_line(tmp_path, fault):
    plan = json.loads((OLD / "plan.json").read_bytes())
    if fault == "a contrast with nothing":
        plan["contrasts"][0]["other"] = "nothing"
    else:
        plan |= {"cells": plan["cells"][:1] * (2 if "twice" in fault else 0), "contrasts": []}
    write_json(tmp_path / "plan.json", plan)
    with pytest.raises(UsageError, match=r"cannot read .*plan\.json: "):
        Plan.of(RunStore(tmp_path))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b'{"state": "lost"}', b'{"seconds": 3}', b"[" * 100_000]
)
def test_a_bad_state_or_plan_is_one_line(tmp_path, content):
    (tmp_path / "state.json").write_bytes(content)
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(Damaged, match=r"state\.json.* is damaged"):
        _ = CellStore(tmp_path).state
    with pytest.raises(UsageError, match=r"cannot read .*plan\.json") as caught:
        Plan.of(RunStore(tmp_path))
    assert "\n" not in str(caught.value)


def test_json_names_the_line(tmp_path):
    (tmp_path / "x.json").write_text('{\n "a": 1,\n "b": }\n')
    with pytest.raises(Damaged, match=r"x\.json, line 3 is damaged"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize("read", [read_json, lambda path: list(read_jsonl(path)), lambda path: read_header(path)])
@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "loop"])
def test_what_is_no_file_is_never_waited_for(tmp_path, read, kind):
    path = tmp_path / "x"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
    with pytest.raises(HarnessError, match=r"not a regular file|Too many levels"):
        read(path)


def test_rows_are_not_appended_to_what_a_link_points_at(tmp_path):
    (tmp_path / "precious").write_text("kept\n")
    (tmp_path / "x").symlink_to(tmp_path / "precious")
    with pytest.raises(StageError, match="cannot write"):
        append_jsonl(tmp_path / "x", [{"a": 1}])
    write_json(tmp_path / "x", {})
    assert (tmp_path / "precious").read_text() == "kept\n"


def test_a_plan_without_end_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.store.files.LARGEST_JSON", 1000)
    (tmp_path / "plan.json").write_bytes(b"\0" * 5000)
    with pytest.raises(UsageError, match="longer than"):
        RunStore(tmp_path).read_plan()


def test_a_line_without_end_is_damage_not_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.store.files.LARGEST_JSON", 1000)
    (tmp_path / "x").write_bytes(b'{"a":1}\n' + b"\0" * 5000 + b"\n")
    with pytest.raises(Damaged, match="line 2 is damaged: longer than"):
        list(read_jsonl(tmp_path / "x"))


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder"])
def test_a_lock_that_is_no_plain_file_is_refused_and_its_target_kept(tmp_path, kind):
    target, lock = tmp_path / "precious", tmp_path / ".lock"
    if kind == "link":
        target.write_text("kept")
    if kind in ("link", "dangling"):
        lock.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(lock)
    else:
        lock.mkdir()
    with pytest.raises(StageError, match=r"cannot lock .*\.lock"):
        open_lock(lock)
    with pytest.raises(HarnessError, match="cannot lock"), RunStore(tmp_path).lock():
        pass
    (tmp_path / "made.lock").symlink_to(target)
    with pytest.raises(HarnessError, match="it is a link"), exclusive_lock(tmp_path / "made"):
        pass
    assert target.exists() == (kind == "link")
    assert kind != "link" or target.read_text() == "kept"


def test_files_are_as_the_umask_has_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", {"x": 1})
        append_jsonl(tmp_path / "b.jsonl", ROWS)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "a.json": 0o640,
        "b.jsonl": 0o640,
    }


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match=r"cannot write .*file/run"), RunStore(tmp_path / "file" / "run").lock():
        pass


def test_a_run_recomputes_a_cut_verdict_and_names_a_cut_sample(cli):
    cli.run("--limit", "2")
    (verdicts,) = cli.cwd.glob("r/cells/*/verdicts-*.jsonl")
    samples = verdicts.with_name("samples.jsonl")
    whole = {path: path.read_bytes() for path in (verdicts, samples)}
    verdicts.write_bytes(whole[verdicts][:-9])
    samples.write_bytes(whole[samples][:-9])
    cli.run("--limit", "2")
    assert [json.loads(line)["verdict"] for line in verdicts.open()] == [
        json.loads(line)["verdict"] for line in whole[verdicts].decode().splitlines()
    ]
    samples.write_bytes(b'{"item": ' + whole[samples][9:].replace(b"\n", b"\n{\n", 1))
    done = cli.run("--limit", "2", code=1)
    assert "samples.jsonl, line 1 is damaged" in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("lost", [["state.json"], ["state.json", "weights.json"]])
def test_what_an_artefact_is_does_not_hang_on_the_last_file_written(cli, lost):
    """A kill between the last sample and state.json, and a folder of a version that kept the facts there alone."""
    cli.run("--limit", "2", "--compressor", "rtn4")
    assert not any(path.stat().st_mode & 0o111 for path in cli.cwd.glob("r/**/*") if path.is_file())
    tables = cli.tables()
    assert sum("bits" in path.read_text() for path in cli.cwd.glob("r/cells/*/weights.json")) == 1
    for name in lost:
        for path in cli.cwd.glob(f"r/cells/*/{name}"):
            path.unlink()
    cli.run("--limit", "2", "--compressor", "rtn4")
    assert cli.tables() == tables
