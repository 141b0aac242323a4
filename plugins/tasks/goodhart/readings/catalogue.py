"""Which readings there are, by the names that the suite declares for them (`spec`)."""

from __future__ import annotations

from typing import Any

from harness_plugins.tasks.goodhart.readings import choose, execution, explain, letters, program, scored
from harness_plugins.tasks.goodhart.readings.reading import Reading

READINGS: dict[str, Reading[Any]] = {
    "explain": explain,
    "choose": choose,
    "letters": letters,
    "program": program,
    "worked": execution.WORKED,
    "terse": execution.TERSE,
    "scored": scored,
}
