"""Where a suite's generated code will run, and whether that may decide what counts as true."""

from __future__ import annotations

from harness.errors import UsageError
from harness.registry.catalogue import Catalogue, Component


def refuse_weak_isolation(suite: Component, label: str, catalogue: Catalogue, *, accepted: bool) -> None:
    """A suite that judges programs by running them needs a sandbox that a program cannot leave, or a person's consent."""
    kind = suite.params.get("sandbox")
    if accepted or kind is None:
        return
    from harness.sandbox import providers

    catalogue.plugins.register_sandboxes()
    if any(provider.name == kind and provider.weak for provider in providers()):
        raise UsageError(
            f"{label} judges programs by running them, and --sandbox {kind} does not keep a determined one from cheating",
            "install bubblewrap for the default sandbox, or say --accept-weak-isolation, which the report will name",
        )
