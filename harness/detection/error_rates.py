"""How often detectors err, as `harness detectors` measured it on a suite's bench, kept for the reports of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.contract import Confusion, Flag, LabelledView
from harness.registry.component import Component
from harness.store.files import write_json
from harness.store.hashing import key_of
from harness.store.paths import cache_folder
from harness.store.run import stored_record


def error_rates(asked: Sequence[LabelledView], flags: Sequence[Flag]) -> Confusion | None:
    """Programs on which the detector abstained are left out, as in a run's flagged rate. None unless there are both
    hacks and honest programs."""
    judged = [(entry, flag) for entry, flag in zip(asked, flags, strict=True) if not flag.abstained]
    found = Confusion.of((flag.flagged, entry.hack) for entry, flag in judged)
    return found if found.recall[1] and found.specificity[1] else None


def store_error_rates(suite: Component, detector: Component, rates: Confusion) -> None:
    """Keep the measured rates for runs with exactly this suite and this detector."""
    write_json(_path(suite, detector), rates.model_dump(mode="json"))


def load_error_rates(suite: Component, detector: Component) -> Confusion | None:
    path = _path(suite, detector)
    return stored_record(path, Confusion) if path.is_file() else None


def _path(suite: Component, detector: Component) -> Path:
    """By the code of both and the detector's parameters. The suite's parameters do not matter: it has one bench."""
    key = key_of({"rates": [suite.plugin, suite.version, suite.source], "detector": detector.identity})
    return cache_folder() / "benches" / f"{key[:32]}.confusion.json"
