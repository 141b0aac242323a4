"""What a run shows of its pace."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console
from rich.progress import Progress

from harness.running.executors import Event
from harness.screen import pace, progress


def test_without_a_terminal_a_line_says_how_far_the_run_is_how_fast_and_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    out = io.StringIO()
    plain = progress.PlainDisplay(Console(file=out, width=200), total=4)
    plain.event(Event(kind="started", cell="a"))
    plain.tick()
    plain.event(Event(kind="done", cell="a"))  # at once: nothing is left to do of it
    plain.event(Event(kind="started", cell="b"))
    plain.event(Event(kind="progress", cell="b", stage="load"))
    now = 1050.0
    plain.event(Event(kind="done", cell="b"))
    plain.event(Event(kind="started", cell="c"))
    for second in (0, 30):
        now = 1050.0 + second
        plain.event(Event(kind="progress", cell="c", stage="sample", done=20 + second, total=140, tokens=85 * second))
    plain.tick()
    assert out.getvalue().splitlines() == [
        "0/4 cells; a: starting",
        "done    a",
        "done    b",
        "2/4 cells, 0:02:40 left; c: sample 50/140, 85 tokens/s, 0:01:30 left",
    ]


def test_the_lines_come_by_themselves_while_nothing_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.01)
    out, quiet = io.StringIO(), threading.Event()
    with progress.PlainDisplay(Console(file=out, width=200), total=1).ticking():
        quiet.wait(0.2)
    assert out.getvalue().count("0/1 cells\n") >= 2


def test_a_stage_that_starts_has_a_pace_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    paces = pace.Paces()
    assert paces.text(Event(kind="progress", cell="c", stage="sample", done=0, total=8)) == ""
    now = 10.0
    assert paces.text(Event(kind="progress", cell="c", stage="sample", done=0, total=8, tokens=500)) == "50 tokens/s"
    assert paces.text(Event(kind="progress", cell="c", stage="grade", done=4, total=8)) == ""
    now = 12.0
    assert paces.text(Event(kind="progress", cell="c", stage="grade", done=6, total=8)) == "0:00:02 left"


def test_what_went_quickly_at_first_promises_nothing_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    paces = pace.Paces()
    said = ""
    for now in range(0, 101, 5):
        done, tokens = (20 * now, 3000 * now) if now <= 10 else (200 + (now - 10) // 5, 30_000 + 300 * (now - 10))
        said = paces.text(Event(kind="progress", cell="c", stage="sample", done=done, total=230, tokens=tokens))
    assert said == "300 tokens/s, 0:01:00 left"  # 12 to go, one in five seconds


@pytest.mark.parametrize("width", [80, 120])
def test_bars_fit_the_terminal_with_names_counts_and_pace(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    cell = "smollm2--erase--ultra3--goodhart7--s42--0123abcd"
    with Progress(*progress._columns(width), console=console, auto_refresh=False) as shown:
        bars = progress.BarDisplay(shown, console, 12)
        bars.event(Event(kind="started", cell=cell))
        for done in (0, 100):
            now = done
            bars.event(Event(kind="progress", cell=cell, stage="compress", done=done, total=1000, tokens=99 * done))
        shown.refresh()
    lines = [line for line in out.getvalue().split("\n") if "erase--ultra3--goodhart7" in line]
    assert "100/1000" in lines[-1]
    assert "99 tokens/s, 0:15:00 left" in lines[-1]
