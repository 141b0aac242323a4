"""A small Qwen2, and the loop that trains it on a CPU.

B examples in a batch, T tokens, d hidden size, V vocabulary, N completion tokens of a batch.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase, Qwen2Config, Qwen2ForCausalLM

from harness.checkpoints.pretrained import load_model, load_tokenizer
from harness_plugins.tasks.pocket_training.batches import IGNORED, Batch


@dataclass(frozen=True)
class Schedule:
    steps: int
    rate: float = 2e-3  # peak learning rate
    warmup: int = 60  # steps
    decay: float = 0.05  # of weights, matrices only
    report: int = 50  # steps between two log lines
    save_seconds: float = 300.0


def pocket_model(tokenizer: PreTrainedTokenizerBase, blocks: int, context: int) -> Qwen2ForCausalLM:
    """d = 192; some 0.44 M parameters a block, plus the tied embedding."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=blocks,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return prepared(Qwen2ForCausalLM(config))


def trained(folder: Path) -> tuple[Qwen2ForCausalLM, PreTrainedTokenizerBase]:
    """A model that `fit` has written, to be trained further, in float32."""
    return prepared(load_model(folder, dtype=torch.float32)), load_tokenizer(folder)


def prepared(model: Qwen2ForCausalLM) -> Qwen2ForCausalLM:
    """Ready for `fit`."""
    model.set_attn_implementation("eager")  # on CPUs its backward pass is the faster one at these lengths
    return model.train()


def fit(
    model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerBase, stream: Iterator[Batch], schedule: Schedule, out: Path
) -> None:
    """AdamW with bf16 autocast; the checkpoint in `out` is renewed every `save_seconds` and at the end."""
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {torch.get_num_threads()} threads", flush=True)
    optimizer = torch.optim.AdamW(parameter_groups(model, schedule.decay), betas=(0.9, 0.98), lr=schedule.rate)
    started = saved = time.monotonic()
    recent: list[float] = []
    tokens = 0
    for step, batch in enumerate(islice(stream, schedule.steps)):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, schedule)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = completion_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(loss.item())
        tokens += int(batch.attention_mask.sum())
        if (step + 1) % schedule.report == 0:
            elapsed = time.monotonic() - started
            mean = sum(recent) / len(recent)
            print(f"step {step + 1} loss {mean:.4f} {elapsed:.0f} s {tokens / elapsed:.0f} tokens/s", flush=True)
            recent.clear()
        if time.monotonic() - saved > schedule.save_seconds:
            save_model(model, tokenizer, out)
            saved = time.monotonic()
    save_model(model, tokenizer, out)


def completion_loss(model: Qwen2ForCausalLM, batch: Batch) -> torch.Tensor:
    """Mean cross entropy over completion tokens; only their logits are computed."""
    hidden = model.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state  # (B, T, d)
    targets = batch.labels[:, 1:]  # (B, T-1)
    asked = targets != IGNORED
    logits = model.lm_head(hidden[:, :-1][asked])  # (N, V)
    return F.cross_entropy(logits.float(), targets[asked])


def parameter_groups(model: Qwen2ForCausalLM, decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def rate_at(step: int, schedule: Schedule) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    warmup, peak = schedule.warmup, schedule.rate
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, schedule.steps - warmup)))


def save_model(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write bf16 weights, configuration and tokenizer, each file replaced at once: a reader sees no half file."""
    part = out / ".part"
    part.mkdir(parents=True, exist_ok=True)
    half = copy.deepcopy(model).bfloat16()
    half.save_pretrained(part)
    tokenizer.save_pretrained(str(part), save_jinja_files=False)  # the template goes into tokenizer_config.json
    for file in part.iterdir():
        file.chmod(0o644)
        file.replace(out / file.name)
    part.rmdir()
