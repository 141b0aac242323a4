"""What compressors calibrate `pocket` on: dialogues of the training split, written once beside the weights.

    python -m harness_plugins.tasks.goodhart.training.calibration

They come from the same stream as the training text under a seed of their own, so no evaluated prompt is among them.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

from harness_plugins.tasks.goodhart.training.data import examples

OUT = Path(__file__).parent.parent / "pocket" / "calibration.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1_000_003)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8") as file:
        for example in islice(examples(options.seed), options.rows):
            turns = [{"role": "user", "content": example.prompt}, {"role": "assistant", "content": example.completion}]
            file.write(json.dumps({"messages": turns}) + "\n")


if __name__ == "__main__":
    main()
