"""A store that machines share: whole or not there, checked on the way back, and an empty machine goes on from it."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from harness.errors import StageError, UsageError
from harness.planning.cells import Plan
from harness.running.executors import Event
from harness.running.remote_run import RemoteRun
from harness.store import remote as module
from harness.store.remote import Remote
from harness.store.run import RunStore

ARMS = ("--compressor", "rtn3,uniform3", "--temperature", "1", "--runs", "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "deep").mkdir(parents=True)
    (made / "weights.bin").write_bytes(bytes(range(256)) * 40)
    (made / "deep" / "notes.txt").write_text("ä\n", encoding="utf-8")
    (made / "empty").touch()
    (made / ".lock").touch()
    return made


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    monkeypatch.setattr(module, "PART", 1000)  # several parts a file
    return Remote(f"file://{tmp_path}/store", pause=0)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def test_what_was_put_there_comes_back_and_is_moved_once(folder, store, tmp_path):
    assert store.pull("a/b", tmp_path / "back") is None
    assert store.push(folder, "a/b", dry_run=True).files == 2  # an empty file has no contents
    assert store.manifest("a/b") is None
    assert store.push(folder, "a/b").bytes == 10243
    assert store.push(folder, "a/b").bytes == 0
    assert store.push(folder, "another").bytes == 0  # the same contents
    store.pull("a/b", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)
    assert store.pull("a/b", tmp_path / "back").files == 0


def test_a_killed_upload_is_not_there_and_goes_on(folder, store, tmp_path, monkeypatch):
    put, count = store._put_part, iter(range(100))

    def dies(*one):
        if next(count) == 4:
            raise KeyboardInterrupt
        put(*one)

    monkeypatch.setattr(store, "_put_part", dies)
    with pytest.raises(KeyboardInterrupt):
        store.push(folder, "x")
    assert store.pull("x", tmp_path / "back") is None
    monkeypatch.setattr(store, "_put_part", put)
    assert 0 < store.push(folder, "x").bytes < 10243
    store.pull("x", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)


def test_altered_parts_and_cut_manifests_are_noticed(folder, store, tmp_path):
    store.push(folder, "x")
    manifest = Path(store.root) / "folders" / "x.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[:-20])
    assert store.pull("x", tmp_path / "back") is None
    manifest.write_bytes(whole.replace(b"deep/notes.txt", b"../../evil.txt"))
    assert store.pull("x", tmp_path / "back") is None
    manifest.write_bytes(whole)
    part = next((Path(store.root) / "parts").rglob("*/*"))
    part.write_bytes(b"?" * part.stat().st_size)
    with pytest.raises(StageError, match="came back altered"):
        store.pull("x", tmp_path / "back")
    assert not any(p.name.startswith(".") for p in (tmp_path / "back").rglob("*"))


def test_two_machines_that_put_the_same_there_leave_one_good_copy(folder, store, tmp_path):
    threads = [threading.Thread(target=Remote(store.url, pause=0).push, args=(folder, "x")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.pull("x", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)


def test_a_busy_store_is_asked_again_and_a_dead_one_is_one_line(folder, store, monkeypatch, tmp_path):
    ask, refused = store.files.pipe_file, set()

    def busy(path, content):
        if path not in refused:
            refused.add(path)
            raise OSError("503 Slow Down")
        ask(path, content)

    monkeypatch.setattr(store.files, "pipe_file", busy)
    assert store.push(folder, "x").retries > 0
    store.pull("x", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)
    monkeypatch.setattr(store.files, "cat_file", lambda path: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(UsageError, match="does not answer: OSError: gone"):
        store.check()


def test_how_often_a_store_was_asked_again_stands_in_the_footer(cli, store, monkeypatch):
    cli.run("--store", store.url)
    run = RunStore(cli.cwd / "r")
    assert run.store_retries == 0
    (cell,) = Plan.of(run).cells
    with (run.cell(cell.id).folder / "log.txt").open("a") as log:
        log.write("more to put there\n")
    far, ask, refused = RemoteRun(store, run), store.files.pipe_file, set()

    def busy(path, content):
        if path not in refused:
            refused.add(path)
            raise OSError("503 Slow Down")
        ask(path, content)

    monkeypatch.setattr(store.files, "pipe_file", busy)
    far.event(Event(kind="done", cell=cell.id))
    assert run.store_retries == len(refused) > 1  # parts of the log, and the manifest
    cli("report", "r")
    (trust,) = [section for section in cli.tables()["sections"] if section["key"] == "trust"]
    assert {"what": "store asked again", "value": len(refused)} in trust["tables"][0]["rows"]


def test_a_driver_that_is_behind_leaves_what_another_has_put_there(cli, store):
    cli.run("--store", store.url)
    run = RunStore(cli.cwd / "r")
    (cell,) = Plan.of(run).cells
    folder = run.cell(cell.id).folder
    whole = store.manifest(f"runs/r/cells/{cell.id}")
    (folder / "state.json").unlink()
    lines = (folder / "samples.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "samples.jsonl").write_bytes(b"".join(lines[:2]))
    assert RemoteRun(store, run).push_cell(cell.id).files == 0
    assert store.manifest(f"runs/r/cells/{cell.id}") == whole


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "https://host/x?token=1"])
def test_a_url_holds_no_secret(url):
    with pytest.raises(UsageError, match="holds a secret") as refused:
        Remote(url)
    assert "secret@" not in str(refused.value)


def test_an_empty_machine_goes_on_from_the_store(cli):
    cli.run(*ARMS)
    whole = cli.tables()["sections"]
    shutil.rmtree(cli.cwd / "r")
    shutil.rmtree(cli.cwd / "cache")
    store = f"file://{cli.cwd}/store"
    cli.run(*ARMS, "--shard", "1/2", "--store", store)
    made = {path.name for path in (cli.cwd / "cache" / "artefacts").iterdir() if path.is_dir()}
    shutil.rmtree(cli.cwd / "r")
    shutil.rmtree(cli.cwd / "cache")

    cli.run(*ARMS, "--store", store)  # elsewhere: the other half is run, the first is fetched
    assert cli.tables()["sections"][:-1] == whole[:-1]
    states = {p.parent.name: json.loads(p.read_text())["seconds"] for p in (cli.cwd / "r").glob("cells/*/state.json")}
    assert len(states) == 3
    assert made  # and fetched, not made again, by the machine that asks for it
    assert made <= {path.stem for path in (cli.cwd / "store" / "folders" / "artefacts").iterdir()}

    assert "pulled" in cli("pull", store, "elsewhere/r").stdout
    assert contents(cli.cwd / "elsewhere" / "r") == contents(cli.cwd / "r")
    assert "would push 0 files" in cli("push", "r", store, "--dry-run").stdout
    assert "has no run none" in cli("pull", store, "none", code=2).stderr


def test_a_cache_is_put_there_once_and_what_is_unfinished_stays_here(cli):
    cli.run("--compressor", "rtn4,rtn3")
    artefacts = cli.cwd / "cache" / "artefacts"
    (artefacts / "begun").mkdir()
    (artefacts / "begun" / "part.safetensors").write_bytes(b"half")
    url = f"file://{cli.cwd}/store"
    foretold = cli("cache", "sync", url, "--dry-run").stdout
    assert "2 artefacts; 1 unfinished one left here" in foretold
    assert not (cli.cwd / "store").exists()
    assert cli("cache", "sync", url).stdout == foretold.replace("would push", "pushed")
    assert "pushed 0 files" in cli("cache", "sync", url).stdout
    shutil.rmtree(cli.cwd / "cache")
    shutil.rmtree(cli.cwd / "r")
    cli.run("--compressor", "rtn4,rtn3", "--store", url)
    assert len(list((cli.cwd / "store" / "folders" / "artefacts").iterdir())) == 2
