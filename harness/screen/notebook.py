"""The progress of a run in a notebook: one output that is rewritten, with a bar for the run and one for each cell at work."""

from __future__ import annotations

import time
from html import escape

from harness.errors import shown
from harness.running.executors import Event
from harness.screen.pace import Paces, RunPace

SECONDS = 0.5  # between two updates, at least, while only counts change


class NotebookDisplay:
    """IPython's own display: no widgets are needed, and the last state is kept with the notebook."""

    def __init__(self, total: int) -> None:
        from IPython.display import HTML, display

        self.paces, self.run = Paces(), RunPace(total)
        self.working: dict[str, Event] = {}
        self.told: list[str] = []  # failures and second attempts, which stay
        self.updated = 0.0
        self.html = HTML
        self.handle = display(HTML(self._text()), display_id=True)

    def event(self, event: Event) -> None:
        self.run.event(event)
        if event.kind in ("done", "failed"):
            self.working.pop(event.cell, None)
        else:
            self.working[event.cell] = event
        if event.error:
            self.told.append(f"{event.kind}: {event.cell}: {event.error}")
        now = time.monotonic()
        if event.kind != "progress" or now - self.updated >= SECONDS:
            self.updated = now
            self.handle.update(self.html(self._text()))

    def _text(self) -> str:
        lines = [_bar("cells", self.run.done, self.run.total, self.run.left)]
        lines += [
            _bar(f"{name} {one.stage}", one.done, one.total, self.paces.text(one)) for name, one in self.working.items()
        ]
        return shown("<br>".join([*lines, *map(escape, self.told)]))


def _bar(what: str, done: int, total: int, pace: str) -> str:
    bar = f'<progress value="{done}" max="{total}"></progress> {done}/{total}' if total else "<progress></progress>"
    return f"{bar} {escape(what)} <small>{escape(pace)}</small>"
