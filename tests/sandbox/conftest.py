from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.sandbox import Sandbox, available, open_sandbox

REASONS = available()


def opened(kind: str) -> Iterator[Sandbox]:
    if REASONS[kind]:
        pytest.skip(REASONS[kind])
    with open_sandbox(kind) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def bwrap() -> Iterator[Sandbox]:
    yield from opened("bwrap")


@pytest.fixture(scope="module")
def strict() -> Iterator[Sandbox]:
    yield from opened("strict")


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    yield from opened("process")


@pytest.fixture(scope="module", params=["bwrap", "strict", "process"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    yield from opened(request.param)
