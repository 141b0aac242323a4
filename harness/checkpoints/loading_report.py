"""What transformers' loading report says of a model's weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import plural

FAULTS = {  # transformers fills these with random numbers and goes on
    "missing_keys": ("is missing", "are missing"),
    "mismatched_keys": ("has a shape that the config does not", "have a shape that the config does not"),
}


def faulty_weights(report: Mapping[str, Any], of: str = "") -> str | None:
    """ "2 weights OF are missing, the first: lm_head.weight"; None if every weight was found in its shape."""
    for kind, (one, many) in FAULTS.items():
        if names := sorted(key if isinstance(key, str) else key[0] for key in report.get(kind) or ()):
            verb = one if len(names) == 1 else many
            return f"{plural(len(names), 'weight')}{of and f' {of}'} {verb}, the first: {names[0]}"
    return None
