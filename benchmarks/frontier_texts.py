"""Texts on which all arms of the frontier calibrate, the harness's own and its rivals': sampled from the model itself.

    python benchmarks/frontier_texts.py MODEL OUT.jsonl [SEQUENCES]

Each is at most 512 tokens, drawn at temperature 1. OUT is a `calibration` of a model in registry.toml, and what
`frontier_rival.py` reads.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transformers import AutoTokenizer

from harness.compression.self_samples import self_samples

LENGTH = 512


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 32
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [tokenizer.decode(tokens) for tokens in self_samples(folder, count, LENGTH, 0)]
    out.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


if __name__ == "__main__":
    main()
