"""Peak memory of compressing ever deeper models: one block, its Hessians and the calibration activations, not the model.

    python benchmarks/compression_memory.py [--depths 4 8 16] [--tokens 1152] [--rank 0] [--budget BPW] [--together]

Writes synthetic Qwen2 checkpoints of at least 30 MB (float32) a block, compresses each in a process of its own with
calibrated 3-bit codes in groups of 64 (rounded to nearest: what LDLQ needs besides does not depend on depth; with a rank
by CALDERA's full schedule), and prints the peak anonymous resident memory above what the process held after its imports
(Linux: RssAnon, sampled every 2 ms from outside) and the CPU time, the system's included. `--budget` solves for 2 to 4
bits instead, from errors that are measured first. `--together` leaves matrices on the common heap. Exits 1 if twice the
depth needs more than 1.1 times the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

HIDDEN, INTERMEDIATE, HEADS, VOCABULARY = 1024, 1088, 8, 256
LIMIT = 1.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--tokens", type=int, default=1152)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--budget", type=float, metavar="BPW")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        work(options.measure, options.tokens, options.rank, options.budget, together=options.together)
        return 0
    peaks: list[tuple[int, float]] = []
    same = ["--tokens", str(options.tokens), "--rank", str(options.rank), *(["--together"] if options.together else [])]
    same += ["--budget", str(options.budget)] if options.budget else []
    print(f"{'blocks':>6} {'checkpoint':>12} {'peak above imports':>19} {'CPU s':>8}")
    for depth in options.depths:
        with tempfile.TemporaryDirectory(prefix="harness-memory-") as scratch:
            model = Path(scratch) / "model"
            size = write_model(model, depth)
            command = [sys.executable, __file__, "--measure", str(model), *same]
            peak, seconds = watch(command)
        peaks.append((depth, peak))
        print(f"{depth:6d} {size / 1e6:9.0f} MB {peak / 1e6:16.1f} MB {seconds:8.1f}", flush=True)
    worst = max((later / earlier for (_, earlier), (_, later) in pairwise(peaks)), default=1.0)
    print(f"largest ratio between neighbouring depths: {worst:.3f} (limit {LIMIT})")
    return int(worst > LIMIT)


def write_model(folder: Path, depth: int) -> int:
    """A random Qwen2 of `depth` blocks, one shard a block, with a byte-level tokenizer; returns its bytes."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config

    folder.mkdir(parents=True)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=depth,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        tie_word_embeddings=True,
        dtype="float32",
    )
    config.architectures = ["Qwen2ForCausalLM"]
    config.save_pretrained(folder)
    letters = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE(letters, []))).save_pretrained(folder)
    generator = torch.Generator().manual_seed(0)

    def weight(rows: int, columns: int) -> torch.Tensor:
        return torch.randn(rows, columns, generator=generator) * 0.02

    index: dict[str, str] = {}
    for block in range(-1, depth):
        if block < 0:
            tensors = {"model.embed_tokens.weight": weight(VOCABULARY, HIDDEN), "model.norm.weight": torch.ones(HIDDEN)}
        else:
            prefix = f"model.layers.{block}."
            tensors = {f"{prefix}self_attn.{kind}_proj.weight": weight(HIDDEN, HIDDEN) for kind in "qkvo"}
            tensors |= {f"{prefix}self_attn.{kind}_proj.bias": torch.zeros(HIDDEN) for kind in "qkv"}
            tensors |= {f"{prefix}mlp.{kind}_proj.weight": weight(INTERMEDIATE, HIDDEN) for kind in ("gate", "up")}
            tensors[f"{prefix}mlp.down_proj.weight"] = weight(HIDDEN, INTERMEDIATE)
            norms = ("input_layernorm", "post_attention_layernorm")
            tensors |= {f"{prefix}{name}.weight": torch.ones(HIDDEN) for name in norms}
        shard = f"model-{block + 1:05d}.safetensors"
        save_file(tensors, folder / shard)
        index |= dict.fromkeys(tensors, shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def watch(command: list[str]) -> tuple[int, float]:
    """Run the work in a process of its own: (bytes at its peak above its imports, CPU seconds after them)."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # imports are done
        baseline = peak = anonymous_bytes(process.pid)
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(0.002)
        seconds = float(process.stdout.read() or "nan")
    if process.returncode:
        raise SystemExit(process.returncode)
    return peak - baseline, seconds


def work(model: Path, tokens: int, rank: int, budget: float | None, *, together: bool) -> None:
    """Compress `model` in this process; prints a line when the imports are done, and the CPU seconds at the end."""
    import torch
    from transformers import Qwen2ForCausalLM  # noqa: F401  (an import, not part of the work)

    import harness.compression.driver as driver
    from harness.compression.calibration import CalibrationSource
    from harness.contract import Compressor
    from harness_plugins.compressors.caldera.budget import Budget
    from harness_plugins.compressors.caldera.params import BudgetParams, CalderaParams
    from harness_plugins.compressors.caldera.plugin import Caldera

    torch.set_num_threads(1)
    letters = torch.randint(ord("a"), ord("z") + 1, (tokens,), generator=torch.Generator().manual_seed(1))
    text = model / "calibration.txt"
    text.write_text(bytes(letters.tolist()).decode())
    rounding = "ldlq" if rank else "nearest"
    compressor: Compressor = Caldera(CalderaParams(bits=3, rank=rank, rounding=rounding))
    if budget:
        os.environ["HARNESS_CACHE"] = str(model.parent / "cache")  # what an earlier call measured is not to be found
        compressor = Budget(BudgetParams(bpw=budget, rank=rank, widths=(2, 3, 4), rounding=rounding))
    calibration = CalibrationSource(source=str(text), sequences=128, length=tokens // 128)
    print("ready", flush=True)
    begun = time.process_time()
    with patch.object(driver, "tidy_heap", nullcontext if together else driver.tidy_heap):
        driver.compress(model, compressor, calibration, model.parent / "artefact")
    print(time.process_time() - begun)


def anonymous_bytes(pid: int) -> int:
    """Anonymous resident memory of a process, 0 once it has ended."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")), 0)


if __name__ == "__main__":
    sys.exit(main())
