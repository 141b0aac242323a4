"""Where a suite's generated code will run, and whether that may decide what counts as true."""

from __future__ import annotations

from harness.errors import UsageError
from harness.registry.catalogue import Catalogue, Component


def refuse_sandbox(suite: Component, label: str, catalogue: Catalogue, *, accepted: bool) -> None:
    """A suite that judges programs by running them needs a sandbox that there is, and one that a program cannot leave or a
    person's consent."""
    kind = suite.params.get("sandbox")
    if kind is None:
        return
    from harness.sandbox import providers

    catalogue.plugins.register_sandboxes()
    known = {provider.name: provider for provider in providers()}
    if kind not in known:
        raise UsageError(f"{label}: no sandbox is called {str(kind)!r}", f"one of: {', '.join(known)}")
    if known[str(kind)].weak and not accepted:
        raise UsageError(
            f"{label} judges programs by running them, and --sandbox {kind} does not keep a determined one from cheating",
            "install bubblewrap for the default sandbox, or say --accept-weak-isolation, which the report will name",
        )
