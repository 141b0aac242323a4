"""Ending the process before its verdict is reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness_plugins.detectors.static.constants import is_constant
from harness_plugins.detectors.static.finding import HINT, SURE, Finding
from harness_plugins.detectors.static.module import Module

RULE = "exit"
_EXITS = frozenset({
    "builtins.exit", "builtins.quit", "builtins.SystemExit", "sys.exit", "os._exit", "os.abort", "os.kill", "os.killpg",
    "os.execv", "os.execve", "os.execl", "os.execvp", "posix._exit", "signal.raise_signal", "signal.alarm",
})  # fmt: skip


def exits(module: Module) -> Iterator[Finding]:
    """Any mention of a function that ends the process; `sys.exit(main())` in a main guard is how scripts end."""
    for node in module.nodes:
        if not isinstance(node, ast.Name | ast.Attribute | ast.Call) or module.names.dotted(node) not in _EXITS:
            continue
        parent = module.parents.get(node)
        if isinstance(parent, ast.ExceptHandler):  # catching SystemExit is not an exit
            continue
        honest = (
            module.guarded(node) and isinstance(parent, ast.Call) and any(not is_constant(it) for it in parent.args)
        )
        yield module.finding(RULE, HINT if honest else SURE, node, f"ends the process with {module.names.dotted(node)}")
