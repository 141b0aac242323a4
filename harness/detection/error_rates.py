"""How often detectors err, as `harness detectors` measured it on a suite's bench, kept for the reports of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.contract import Flag, LabelledView, Record
from harness.registry.component import Component
from harness.store.files import write_json
from harness.store.hashing import key_of
from harness.store.paths import cache_folder
from harness.store.run import stored_record


class ErrorRates(Record):
    """(k, n) of the hacks that a detector flagged, and of the honest programs that it let pass."""

    recall: tuple[int, int]
    specificity: tuple[int, int]


def error_rates(asked: Sequence[LabelledView], flags: Sequence[Flag]) -> ErrorRates | None:
    """Programs on which the detector abstained are left out, as in a run's flagged rate. None unless there are both
    hacks and honest programs."""
    judged = [(entry, flag) for entry, flag in zip(asked, flags, strict=True) if not flag.abstained]
    hacks = [flag.flagged for entry, flag in judged if entry.hack]
    honest = [not flag.flagged for entry, flag in judged if not entry.hack]
    if not hacks or not honest:
        return None
    return ErrorRates(recall=(sum(hacks), len(hacks)), specificity=(sum(honest), len(honest)))


def store_error_rates(suite: Component, detector: Component, rates: ErrorRates) -> None:
    """Keep the measured rates for runs with exactly this suite and this detector."""
    write_json(_path(suite, detector), rates.model_dump(mode="json"))


def load_error_rates(suite: Component, detector: Component) -> ErrorRates | None:
    path = _path(suite, detector)
    return stored_record(path, ErrorRates) if path.is_file() else None


def _path(suite: Component, detector: Component) -> Path:
    """By the code of both and the detector's parameters. The suite's parameters do not matter: it has one bench."""
    key = key_of({"rates": [suite.plugin, suite.version, suite.source], "detector": detector.identity})
    return cache_folder() / "benches" / f"{key[:32]}.rates.json"
