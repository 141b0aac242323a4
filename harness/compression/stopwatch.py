"""How long a compression took over all its attempts: what a killed one had done is not done again, so its time counts."""

from __future__ import annotations

import math
import time
from pathlib import Path

from harness.compression.pieces import write_json
from harness.errors import HarnessError
from harness.store.files import read_json


class Stopwatch:
    """Goes on from what `file` holds. A kill loses the time since `keep` was last called."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before = _kept(file)
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._begun

    def keep(self) -> None:
        write_json(self._file, self.seconds)


def _kept(file: Path) -> float:
    """0 where nothing can be read: it decides nothing."""
    try:
        value = read_json(file) if file.is_file() else 0.0
    except HarnessError:
        return 0.0
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else 0.0
