"""Which sandboxes exist under which name, and whether this machine can open them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import UsageError
from harness.sandbox.types import Sandbox


@dataclass(frozen=True)
class Provider:
    """A kind of sandbox. `missing` returns why it cannot be opened here and the remedy, or None when it can."""

    name: str
    summary: str
    open: Callable[[], Sandbox]
    missing: Callable[[], tuple[str, str] | None] = lambda: None
    weak: bool = False  # isolation that a determined program can leave; reports name it


_providers: dict[str, Provider] = {}


def register(provider: Provider) -> None:
    """Add a kind of sandbox (a container, a remote service). Raises UsageError when the name is taken."""
    if provider.name in _providers:
        raise UsageError(f"two sandboxes are called {provider.name!r}", "rename one of them")
    _providers[provider.name] = provider


def providers() -> tuple[Provider, ...]:
    return tuple(_providers.values())


def available() -> dict[str, str | None]:
    """Kind -> None when it can be opened here, else one line with the cause and the remedy. For `harness doctor`."""
    reasons = {name: provider.missing() for name, provider in _providers.items()}
    return {name: f"{reason[0]} ({reason[1]})" if reason else None for name, reason in reasons.items()}


def open_sandbox(kind: str = "bwrap") -> Sandbox:
    """Open one worker of the named kind. Raises UsageError with the remedy when it is unknown or cannot run here."""
    if kind not in _providers:
        raise UsageError(f"no sandbox is called {kind!r}", f"one of: {', '.join(_providers)}")
    if reason := _providers[kind].missing():
        raise UsageError(*reason)
    return _providers[kind].open()
