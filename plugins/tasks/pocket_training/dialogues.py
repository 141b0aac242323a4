"""What compressors calibrate a pocket model on: training text, of a seed that training did not use."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice

DIALOGUES = 256


def as_dialogues(examples: Iterable[tuple[str, str]]) -> list[str]:
    """The first (prompt, completion) pairs as JSON lines, one dialogue each."""
    lines = []
    for prompt, completion in islice(examples, DIALOGUES):
        messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
        lines.append(json.dumps({"messages": messages}))
    return lines
