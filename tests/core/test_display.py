"""What a run shows of its pace."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli import display
from harness.running.executors import Event


def test_without_a_terminal_a_line_every_half_minute_says_how_fast_and_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(display.time, "monotonic", lambda: now)
    out = io.StringIO()
    plain = display.PlainDisplay(Console(file=out, width=200))
    for second in range(0, 100):
        now = 1000.0 + second
        plain.event(Event(kind="progress", cell="c", stage="sample", done=20 + second, total=140, tokens=85 * second))
    assert out.getvalue().splitlines() == [
        "c: sample 50/140, 85 tokens/s, 0:01:30 left",
        "c: sample 80/140, 85 tokens/s, 0:01:00 left",
        "c: sample 110/140, 85 tokens/s, 0:00:30 left",
    ]


def test_a_stage_that_starts_has_a_pace_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(display.time, "monotonic", lambda: now)
    paces = display.Paces()
    assert paces.text(Event(kind="progress", cell="c", stage="sample", done=0, total=8)) == ""
    now = 10.0
    assert paces.text(Event(kind="progress", cell="c", stage="sample", done=0, total=8, tokens=500)) == "50 tokens/s"
    assert paces.text(Event(kind="progress", cell="c", stage="grade", done=4, total=8)) == ""
    now = 12.0
    assert paces.text(Event(kind="progress", cell="c", stage="grade", done=6, total=8)) == "0:00:02 left"
