"""Command-line tools that programs may start beside their interpreter, where this machine has them.

None of them can do what the interpreter cannot: they run under the same limits, filter and namespaces. A program finds them
under `PATH`, which it has to set.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

TOOLS = (
    *(
        "sh",
        "find",
        "grep",
        "sort",
        "uniq",
        "cut",
        "awk",
        "sed",
        "tar",
        "head",
        "tail",
        "wc",
        "tr",
        "cat",
        "ls",
        "date",
    ),
    *("basename", "dirname", "xargs", "stat", "jq"),
)
PATH = "/usr/bin:/bin"


@functools.cache
def tools() -> dict[Path, Path]:
    """Where a program finds each -> the file behind it, links such as awk's followed."""
    found = {Path(path) for name in TOOLS if (path := shutil.which(name, path=PATH))}
    return {path: path.resolve() for path in sorted(found)}
