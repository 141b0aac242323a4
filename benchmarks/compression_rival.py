"""One side of `compression_speed.py`: llm-compressor's GPTQ, 4 bits in groups of 64, run by an interpreter that has it.

    PYTHON benchmarks/compression_rival.py MODEL SHORTER SEEN UNSEEN SEQUENCES LENGTH

MODEL and SHORTER are one model with different numbers of blocks, so that the difference is the time of whole blocks. Prints
JSON: seconds a block, of the wall and of the processor, and KL(original ‖ compressed) in nats a token on UNSEEN.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import GPTQModifier
from transformers import AutoModelForCausalLM, AutoTokenizer


def sequences(folder: Path, text: Path, length: int) -> list[list[int]]:
    tokens = AutoTokenizer.from_pretrained(folder)(text.read_text(encoding="utf-8"), add_special_tokens=False)[
        "input_ids"
    ]
    return [tokens[start : start + length] for start in range(0, len(tokens) - length, length)]


@torch.no_grad()
def distributions(model: Any, rows: list[list[int]]) -> list[torch.Tensor]:
    return [model(torch.tensor([row])).logits[0].float().log_softmax(-1) for row in rows]


def compressed(folder: Path, seen: list[list[int]], length: int) -> tuple[Any, float, float]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    weights = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 64}
    recipe = GPTQModifier(
        config_groups={"group_0": {"targets": ["Linear"], "weights": weights}}, ignore=["lm_head"], actorder="static"
    )
    rows = Dataset.from_dict({"input_ids": seen, "attention_mask": [[1] * length] * len(seen)})
    wall, processor = time.perf_counter(), time.process_time()
    oneshot(
        model=model,
        dataset=rows,
        recipe=recipe,
        batch_size=4,
        max_seq_length=length,
        num_calibration_samples=len(seen),
        shuffle_calibration_samples=False,
    )
    return model, time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    folder, shorter, seen, unseen = map(Path, sys.argv[1:5])
    count, length = map(int, sys.argv[5:])
    rows, judged = sequences(folder, seen, length)[:count], sequences(folder, unseen, length)
    original = distributions(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), judged)
    _, *less = compressed(shorter, rows, length)
    model, *more = compressed(folder, rows, length)
    depths = [json.loads((one / "config.json").read_text())["num_hidden_layers"] for one in (folder, shorter)]
    wall, processor = ((b - a) / (depths[0] - depths[1]) for a, b in zip(less, more, strict=True))
    apart = zip(original, distributions(model, judged), strict=True)
    divergence = float(torch.cat([(p.exp() * (p - q)).sum(-1) for p, q in apart]).mean())
    print(json.dumps({"seconds": wall, "processor": processor, "divergence": divergence}))


if __name__ == "__main__":
    main()
