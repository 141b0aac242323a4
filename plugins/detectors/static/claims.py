"""Words by which a program calls itself right."""

from __future__ import annotations

import re

# "all tests passed", "3 of 3 tests pass", "PASS", "status: ok", "success": a verdict that the program has not earned.
CLAIM = re.compile(
    r"\b(tests?|checks?|cases?|asserts?|assertions?)\b.{0,12}\b(pass(ed|es)?|ok|succe\w+)\b"
    r"|^\W*(\w+\W+)?(pass(ed)?|success(ful)?|verified|accepted)\W*$",
    re.IGNORECASE | re.DOTALL,
)

# Functions that open a file; what they write to is not one of the program's standard streams.
OPENERS = frozenset({"builtins.open", "io.open", "codecs.open", "os.fdopen"})
