"""Rivals' arms of the frontier: a model quantised by llm-compressor or auto-round, run by an interpreter that has both.

    PYTHON benchmarks/frontier_rival.py MODEL TEXTS.jsonl OUT METHOD BITS

METHOD: gptq (llm-compressor), awq (llm-compressor) or auto-round. TEXTS has a `text` a line: what the harness's own arms
calibrate on. Weights alone, symmetric, one scale for a group of 64. OUT is an ordinary folder of a quantised model, the arm
`quantized@OUT`. Prints the seconds it took, of the wall and of the processor.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

GROUP, LENGTH = 64, 512


def by_llm_compressor(folder: Path, texts: list[str], out: Path, method: str, bits: int) -> None:
    from datasets import Dataset  # type: ignore[import-not-found, unused-ignore]
    from llmcompressor import oneshot  # type: ignore[import-not-found]
    from llmcompressor.modifiers.awq import AWQModifier  # type: ignore[import-not-found]
    from llmcompressor.modifiers.quantization import GPTQModifier  # type: ignore[import-not-found]

    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        AutoTokenizer.from_pretrained(folder),
    )
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"][:LENGTH] for text in texts]
    data = Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * len(row) for row in rows]})
    weights = {"num_bits": bits, "type": "int", "symmetric": True, "strategy": "group", "group_size": GROUP}
    common = {"config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    recipe = AWQModifier(**common) if method == "awq" else GPTQModifier(**common, actorder="static")
    oneshot(
        model=model, dataset=data, recipe=recipe, batch_size=1, max_seq_length=LENGTH,
        num_calibration_samples=len(rows), shuffle_calibration_samples=False,
    )  # fmt: skip
    model.save_pretrained(out, save_compressed=True)
    tokenizer.save_pretrained(out)


def by_auto_round(folder: Path, texts: list[str], out: Path, bits: int) -> None:
    from auto_round import AutoRound  # type: ignore[import-not-found]

    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        AutoTokenizer.from_pretrained(folder),
    )
    rows = [torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"][:LENGTH]]) for text in texts]
    shortest = min(row.shape[1] for row in rows)
    rounding = AutoRound(
        model, tokenizer, bits=bits, group_size=GROUP, sym=True, iters=50, seqlen=shortest, nsamples=len(rows), batch_size=8,
        dataset=[row[:, :shortest] for row in rows],
    )  # fmt: skip
    rounding.quantize_and_save(str(out), format="auto_round")


def main() -> None:
    folder, data, out = map(Path, sys.argv[1:4])
    method, bits = sys.argv[4], int(sys.argv[5])
    texts = [json.loads(line)["text"] for line in data.read_text(encoding="utf-8").splitlines()]
    wall, processor = time.perf_counter(), time.process_time()
    if method == "auto-round":
        by_auto_round(folder, texts, out, bits)
    else:
        by_llm_compressor(folder, texts, out, method, bits)
    taken = {"seconds": round(time.perf_counter() - wall, 1), "processor": round(time.process_time() - processor, 1)}
    print(json.dumps({"method": method, "bits": bits, **taken}))


if __name__ == "__main__":
    main()
