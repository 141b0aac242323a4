"""`harness label` on a real terminal, killed and resumed; and what the report makes of a file of labels."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

OLD = Path(__file__).parent / "old_run"  # 3 cells of 3 items


@pytest.fixture
def run(cli) -> Path:
    return Path(shutil.copytree(OLD, cli.cwd / "old"))


class Terminal:
    """The command with a terminal as its standard streams."""

    def __init__(self, cli, *arguments: str) -> None:
        self.screen, terminal = pty.openpty()
        streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
        command = cli.command("label", "old", *arguments)
        self.process = subprocess.Popen(command, cwd=cli.cwd, env=cli.env, start_new_session=True, **streams)
        os.close(terminal)
        self.seen = ""

    def until(self, text: str) -> str:
        """What was shown up to this text."""
        deadline = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.screen], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.screen, 65536).decode()
                except OSError:  # the other end is closed
                    break
        assert text in self.seen, self.seen
        shown, _, self.seen = self.seen.partition(text)
        return shown

    def press(self, key: str) -> None:
        os.write(self.screen, key.encode())


def labels(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "labels.jsonl").read_text().splitlines()]


def test_each_answer_is_kept_through_a_kill_and_no_reply_is_asked_twice(cli, run):
    asked = []
    first = Terminal(cli)
    for key in "yxn":  # x is no key: the reply stays
        if key != "x":
            asked.append(first.until("q quit"))
        first.press(key)
    asked.append(first.until("q quit"))
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    assert [row["label"] for row in labels(run)] == ["yes", "no"]
    for shown in asked:  # neither verdict nor arm
        assert not any(word in shown for word in ("ultra3", "uniform", "proxy", "truth", "knows", "DBDK"))

    second = Terminal(cli)
    again = second.until("q quit")
    assert again.rpartition("─")[2] == asked[2].rpartition("─")[2]  # the reply that was shown when the kill came
    second.press("s")
    second.until("q quit")
    second.press("q")
    assert "1 yes, 1 no, 1 skip" in second.until("measures the error")
    assert second.process.wait() == 0
    texts = [row["text"] for row in labels(run)]
    assert len(texts) == len(set(texts)) == 3


def test_without_a_terminal_it_says_so(cli, run):
    done = cli("label", "old", plugins=None, code=2)
    assert done.stderr.strip().splitlines() == [
        "error: harness label asks on a terminal, and its input is none (run it without a pipe)"
    ]


def test_what_is_no_label_is_counted_and_named(cli, run):
    terminal = Terminal(cli)
    for key in "yyyq":
        terminal.until("q quit")
        terminal.press(key)
    terminal.process.wait()
    good = labels(run)
    opposite, foreign = {**good[1], "label": "no"}, {**good[2], "text": "0" * 16}
    other = {**good[2], "suite": "trivia"}
    lines = [json.dumps(row) for row in (*good, good[0], opposite, foreign, other)]
    (run / "labels.jsonl").write_text("\n".join([*lines, "{broken", json.dumps({**good[0], "label": "maybe"}), ""]))
    report = json.loads(cli("report", "old", "--json", plugins=None).stdout)
    notes = "\n".join(report["notes"])
    assert "2 broken lines, not used (the first: line 8)" in notes
    assert "1 replies with two different labels" in notes
    assert "1 of a reply that this run lacks" in notes
    assert "1 of a suite or reading that this run lacks, not used (the first: trivia, explain)" in notes
    tables = {table["key"]: table for table in report["sections"][0]["tables"]}
    used = tables["error:explain"]["rows"][-1]["labels"]
    assert used["tp"] + used["fp"] >= 0
    assert used["tn"] + used["fp"] == 0  # only yes was given, and the contradicted one is out
    assert "corrected:explain" not in tables  # too few
