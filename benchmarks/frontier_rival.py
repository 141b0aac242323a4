"""The rivals' arms of the frontier: a model quantised by llm-compressor, run by an interpreter that has it (and auto-round).

    PYTHON benchmarks/frontier_rival.py MODEL TEXTS.jsonl OUT METHOD BITS [GROUP]

METHOD: gptq (with static act-order), awq, or autoround (its light recipe: 50 steps a block at a rate of .005, here of four
texts each). TEXTS has a `text` a line: what the harness's own arms calibrate on. Weights alone, symmetric, one scale for a
group of GROUP (64). OUT is an ordinary folder of a quantised model, the arm `quantized@OUT`. Prints the seconds it took, of
the wall and of the processor.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

LENGTH = 512
METHODS = ("gptq", "awq", "autoround")


def recipe(method: str, bits: int, group: int) -> list[Any]:
    from llmcompressor.modifiers.quantization import GPTQModifier, QuantizationModifier

    weights = {"num_bits": bits, "type": "int", "symmetric": True, "strategy": "group", "group_size": group}
    common = {"config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    if method == "gptq":
        return [GPTQModifier(**common, actorder="static")]
    if method == "awq":
        from llmcompressor.modifiers.transform.awq import AWQModifier

        if not torch.accelerator.is_available():  # it pins memory whether or not there is a GPU, which torch refuses
            torch.Tensor.pin_memory = lambda tensor, *_: tensor  # type: ignore[method-assign]
        return [AWQModifier(), QuantizationModifier(**common)]
    from llmcompressor.modifiers.autoround import AutoRoundModifier

    return [AutoRoundModifier(**common, iters=50, lr=5e-3, batch_size=4, enable_torch_compile=False)]


def quantise(folder: Path, texts: list[str], out: Path, method: str, bits: int, group: int) -> None:
    from datasets import Dataset
    from llmcompressor import oneshot

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"][:LENGTH] for text in texts]
    data = Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * len(row) for row in rows]})
    oneshot(
        model=model, dataset=data, recipe=recipe(method, bits, group), batch_size=1, max_seq_length=LENGTH,
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
    if len(sys.argv) not in (6, 7) or sys.argv[4] not in METHODS:
        sys.exit(f"usage: frontier_rival.py MODEL TEXTS.jsonl OUT {'|'.join(METHODS)} BITS [GROUP]")
    folder, data, out = map(Path, sys.argv[1:4])
    method, bits, group = sys.argv[4], int(sys.argv[5]), int(sys.argv[6]) if len(sys.argv) == 7 else 64
    texts = [json.loads(line)["text"] for line in data.read_text(encoding="utf-8").splitlines()]
    wall, processor = time.perf_counter(), time.process_time()
    quantise(folder, texts, out, method, bits, group)
    taken = {"seconds": round(time.perf_counter() - wall, 1), "processor": round(time.process_time() - processor, 1)}
    print(json.dumps({"method": method, "bits": bits, "group": group, **taken}))


if __name__ == "__main__":
    main()
