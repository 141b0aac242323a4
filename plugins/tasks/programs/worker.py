"""One sandbox per process and thread, opened when first needed and kept: opening costs more than a program."""

from __future__ import annotations

import atexit
import os
import threading

from harness.sandbox import Sandbox, open_sandbox

_open: dict[tuple[int, int, str], Sandbox] = {}


def shared_sandbox(kind: str) -> Sandbox:
    """The caller's own worker of that kind; closed when the process exits. Raises UsageError where it cannot run."""
    key = (os.getpid(), threading.get_ident(), kind)  # a forked child must not speak over its parent's pipe
    if key not in _open:
        _open[key] = sandbox = open_sandbox(kind)
        atexit.register(sandbox.close)
    return _open[key]
