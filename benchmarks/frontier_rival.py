"""The rival's arms of the frontier: a model quantised by llm-compressor's GPTQ, run by an interpreter that has it.

    PYTHON benchmarks/frontier_rival.py MODEL TEXTS.jsonl OUT BITS

TEXTS has a `text` a line: what the harness's own arms calibrate on. Weights alone, symmetric, one scale for a group of
64. OUT is an ordinary folder of a quantised model, the arm `quantized@OUT`. Prints the seconds it took, of the wall and of
the processor.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

GROUP, LENGTH = 64, 512


def quantise(folder: Path, texts: list[str], out: Path, bits: int) -> None:
    from datasets import Dataset  # type: ignore[import-not-found, unused-ignore]
    from llmcompressor import oneshot  # type: ignore[import-not-found]
    from llmcompressor.modifiers.quantization import GPTQModifier  # type: ignore[import-not-found]

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"][:LENGTH] for text in texts]
    data = Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * len(row) for row in rows]})
    weights = {"num_bits": bits, "type": "int", "symmetric": True, "strategy": "group", "group_size": GROUP}
    common = {"config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    recipe = GPTQModifier(**common, actorder="static")
    oneshot(
        model=model, dataset=data, recipe=recipe, batch_size=1, max_seq_length=LENGTH,
        num_calibration_samples=len(rows), shuffle_calibration_samples=False,
    )  # fmt: skip
    model.save_pretrained(out, save_compressed=True)
    tokenizer.save_pretrained(out)
    halve(out)


def halve(out: Path) -> None:
    """Scales in 16 bits, as they are where a model is loaded in its own dtype; codes stay as they are."""
    stored = load_file(out / "model.safetensors")
    tensors = {name: t.to(torch.bfloat16) if t.dtype == torch.float32 else t for name, t in stored.items()}
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}, indent=2))


def main() -> None:
    folder, data, out = map(Path, sys.argv[1:4])
    bits = int(sys.argv[4])
    texts = [json.loads(line)["text"] for line in data.read_text(encoding="utf-8").splitlines()]
    wall, processor = time.perf_counter(), time.process_time()
    quantise(folder, texts, out, bits)
    taken = {"seconds": round(time.perf_counter() - wall, 1), "processor": round(time.process_time() - processor, 1)}
    print(json.dumps({"bits": bits, **taken}))


if __name__ == "__main__":
    main()
