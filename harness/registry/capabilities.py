"""Does a suite have the capability that is needed, and if not, which suites have it?"""

from __future__ import annotations

import importlib
from typing import TypeVar

from harness.contract import TaskSuite
from harness.errors import UsageError
from harness.registry.catalogue import Catalogue
from harness.registry.component import missing_dependencies

Capability = TypeVar("Capability", bound=TaskSuite)


def require_capability(suite: TaskSuite, capability: type[Capability], cause: str, catalogue: Catalogue) -> Capability:
    """The suite itself. Raises UsageError with `cause` and the suites to choose from if it lacks the capability."""
    if isinstance(suite, capability):
        return suite
    names = suites_with(capability, catalogue)
    raise UsageError(cause, f"choose {' or '.join(names)}" if names else "no suite here can")


def suites_with(capability: type[TaskSuite], catalogue: Catalogue) -> list[str]:
    """Names of the suite plugins that can be used here and have the capability; imports their code."""
    found = []
    for name, owners in catalogue.plugins.specs["tasks"].items():
        spec = owners[0][0]
        if missing_dependencies(spec):
            continue
        module, _, attribute = spec.target.partition(":")
        try:
            target = getattr(importlib.import_module(module), attribute)
        except Exception:  # a plugin's broken code is an error for whoever selects it, not for this answer
            continue
        if isinstance(target, type) and issubclass(target, capability):
            found.append(name)
    return sorted(found)
