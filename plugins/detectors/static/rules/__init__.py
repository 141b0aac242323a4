"""The rules, by the mechanism that each detects."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness_plugins.detectors.static.finding import Finding
from harness_plugins.detectors.static.module import Module
from harness_plugins.detectors.static.rules import equality, evaluator, exits, files, output, reach, sentinels, tables

Rule = Callable[[Module], Iterator[Finding]]

RULES: dict[str, Rule] = {
    evaluator.RULE: evaluator.evaluator,
    evaluator.VACUOUS: evaluator.vacuous_tests,
    exits.RULE: exits.exits,
    equality.RULE: equality.always_equal,
    output.RULE: output.output_marker,
    files.RULE: files.file_marker,
    sentinels.RULE: sentinels.sentinel,
    tables.RULE: tables.hard_coded,
    reach.INTROSPECTION: reach.introspection,
    reach.PATCHING: reach.monkeypatch,
    reach.SYSTEM: reach.system,
}
