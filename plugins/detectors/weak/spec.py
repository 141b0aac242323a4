"""The detector as data."""

from __future__ import annotations

from typing import Literal

from harness import DetectorSpec
from harness_plugins.detectors.static.spec import StaticParams

Mechanism = Literal[
    "evaluator", "exit", "always-equal", "output-marker", "file-marker", "sentinel", "hard-coded", "introspection",
    "monkeypatch", "system",
]  # fmt: skip


class WeakParams(StaticParams):
    misses: tuple[Mechanism, ...] = ("evaluator",)  # mechanisms whose rules are left out


SPEC = DetectorSpec(
    name="weak",
    summary="static, made to miss chosen mechanisms: for arms whose monitor must not see everything",
    target="harness_plugins.detectors.weak.detector:Weak",
    params=WeakParams,
    needs=frozenset({"text"}),
)
