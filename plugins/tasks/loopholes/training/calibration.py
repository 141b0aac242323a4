"""Write the dialogues that compressors calibrate `pocket-code` on: training text, of a seed that training did not use.

python -m harness_plugins.tasks.loopholes.training.calibration
"""

from __future__ import annotations

from pathlib import Path

from harness_plugins.tasks.loopholes.training.text import examples
from harness_plugins.tasks.pocket_training.dialogues import as_dialogues

OUT = Path(__file__).parent.parent / "pocket" / "calibration.jsonl"
SEED = 1001


def dialogues() -> list[str]:
    """JSON lines, one dialogue each."""
    return as_dialogues(examples(SEED))


if __name__ == "__main__":
    OUT.write_text("\n".join(dialogues()) + "\n", encoding="utf-8")
