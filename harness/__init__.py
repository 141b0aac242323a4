"""Did the intervention make the model better, or only better at looking better?

The public API. For authors of plugins: the contract, and the mark of a hook. For scripts and notebooks: `run`, `plan` and
`load_run`, which are imported when they are first asked for. Importing it pulls in neither torch nor transformers.
"""

import importlib
from typing import TYPE_CHECKING, Any

from harness import contract
from harness.contract import *  # noqa: F403
from harness.contract.hooks import hookimpl

if TYPE_CHECKING:
    from harness.api.python import Run, load_run, plan, run

LAZY = ("Run", "load_run", "plan", "run")

__all__ = [*contract.__all__, "Run", "hookimpl", "load_run", "plan", "run"]


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("harness.api.python"), name)
