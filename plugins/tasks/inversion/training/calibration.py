"""Write the dialogues that compressors calibrate `pocket-shell` on: training text, of a seed that training did not use.

python -m harness_plugins.tasks.inversion.training.calibration
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from harness_plugins.tasks.inversion.training.text import examples

OUT = Path(__file__).parent.parent / "pocket" / "calibration.jsonl"
SEED = 1001
DIALOGUES = 256


def dialogues() -> list[str]:
    """JSON lines, one dialogue each."""
    lines = []
    for prompt, completion in islice(examples(SEED), DIALOGUES):
        messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
        lines.append(json.dumps({"messages": messages}))
    return lines


if __name__ == "__main__":
    OUT.write_text("\n".join(dialogues()) + "\n", encoding="utf-8")
