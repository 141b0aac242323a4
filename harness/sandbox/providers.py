"""Which sandboxes exist under which name, and whether this machine can open them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.contract.sandbox import Sandbox
from harness.errors import UsageError
from harness.sandbox import cgroup
from harness.sandbox.bwrap import BwrapSandbox, StrictSandbox
from harness.sandbox.inside import landlock
from harness.sandbox.process import ProcessSandbox


@dataclass(frozen=True)
class Provider:
    """A kind of sandbox. `open` raises UsageError with cause and remedy when this machine cannot run it."""

    name: str
    summary: str
    open: Callable[[], Sandbox]
    means: Callable[[], str] = lambda: ""  # what it has to work with on this machine, for `harness doctor`
    weak: bool = False  # isolation that a determined program can leave; reports name it


_providers: dict[str, Provider] = {}
_opened: list[Sandbox] = []  # closed ones too, for their counts


def register(provider: Provider) -> None:
    """Add a kind of sandbox (a container, a remote service). Raises UsageError when the name is taken."""
    if provider.name in _providers:
        raise UsageError(f"two sandboxes are called {provider.name!r}", "rename one of them")
    _providers[provider.name] = provider


def providers() -> tuple[Provider, ...]:
    return tuple(_providers.values())


def available() -> dict[str, str | None]:
    """Kind -> None when one was opened here, else one line with the cause and the remedy. For `harness doctor`."""
    found: dict[str, str | None] = {}
    for provider in providers():
        try:
            provider.open().close()
        except UsageError as error:
            found[provider.name] = str(error)
        else:
            found[provider.name] = None
    return found


def open_sandbox(kind: str = "bwrap") -> Sandbox:
    """Open one worker of the named kind. Raises UsageError with the remedy when it is unknown or cannot run here."""
    if kind not in _providers:
        raise UsageError(f"no sandbox is called {kind!r}", f"one of: {', '.join(_providers)}")
    sandbox = _providers[kind].open()
    _opened.append(sandbox)
    return sandbox


def replaced_workers() -> int:
    """Workers that programs, or the machine, cost the sandboxes this process has opened so far."""
    return sum(sandbox.replaced for sandbox in _opened)


def _fence() -> str:
    known = landlock.version()
    fence = f"Landlock {known}" if known else "no Landlock in this kernel: a program reads what you can read"
    return f"{fence}; {_memory()}"


def _memory() -> str:
    found = cgroup.place()
    if found.folder:
        return f"memory by a cgroup (v2) for each program, in {found.folder}, resource limits and a count every 50 ms"
    return f"memory by resource limits and a count every 50 ms, no cgroup: {found.why_not}"


register(Provider("bwrap", "bubblewrap: a place of its own for every program, one fork each", BwrapSandbox, _memory))
register(Provider("strict", "bubblewrap, with a new interpreter for every program", StrictSandbox, _memory))
register(
    Provider(
        "process", "weaker: no namespaces, see docs/explanation/threat-model.md", ProcessSandbox, _fence, weak=True
    )
)
