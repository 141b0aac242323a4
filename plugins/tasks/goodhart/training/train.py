"""Train the pocket model from scratch on the families' training split.

    python -m harness_plugins.tasks.goodhart.training.train --steps 6000 --seed 1 --out FOLDER

A Qwen2 of about 3 M parameters, small enough for a few minutes to matter and deep enough (six blocks) for an allocation
of bits by depth to have something to allocate.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from itertools import islice
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from harness_plugins.tasks.goodhart.training.data import IGNORED, Batch, batches
from harness_plugins.tasks.goodhart.training.tokenizer import save, train_tokenizer

VOCABULARY = 1280
CONTEXT = 1024


def pocket_config(tokenizer: PreTrainedTokenizerBase) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def completion_loss(model: Qwen2ForCausalLM, batch: Batch) -> torch.Tensor:
    """Mean cross entropy over completion tokens; only their logits are computed."""
    hidden = model.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state  # (B, T, d)
    targets = batch.labels[:, 1:]  # (B, T-1)
    asked = targets != IGNORED
    logits = model.lm_head(hidden[:, :-1][asked])  # (N, V), N completion tokens
    return F.cross_entropy(logits.float(), targets[asked])


def parameter_groups(model: Qwen2ForCausalLM, decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def rate_at(step: int, steps: int, peak: float, warmup: int = 100) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def save_model(model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer, out: Path) -> None:
    """Write bf16 weights, configuration and tokenizer, each file replaced at once: a reader sees old or new, never half."""
    part = out / ".part"
    part.mkdir(parents=True, exist_ok=True)
    half = copy.deepcopy(model).bfloat16()
    half.save_pretrained(part)
    save(tokenizer, part)
    for file in part.iterdir():
        file.chmod(0o644)
        file.replace(out / file.name)
    part.rmdir()


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    tokenizer = train_tokenizer(args.seed, VOCABULARY, args.text)
    model = Qwen2ForCausalLM(pocket_config(tokenizer))
    model.set_attn_implementation("eager")  # on CPUs its backward pass is the faster one at these lengths
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {torch.get_num_threads()} threads", flush=True)
    optimizer = torch.optim.AdamW(parameter_groups(model, args.decay), betas=(0.9, 0.98), lr=args.rate)
    started, saved, recent, tokens = time.monotonic(), time.monotonic(), [], 0
    for step, batch in enumerate(islice(batches(tokenizer, args.seed, args.batch), args.steps)):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, args.steps, args.rate)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = completion_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(loss.item())
        tokens += int(batch.attention_mask.sum())
        if (step + 1) % args.report == 0:
            elapsed = time.monotonic() - started
            mean = sum(recent) / len(recent)
            print(f"step {step + 1} loss {mean:.4f} {elapsed:.0f} s {tokens / elapsed:.0f} tokens/s", flush=True)
            recent.clear()
        if time.monotonic() - saved > args.save_seconds:
            save_model(model, tokenizer, args.out)
            saved = time.monotonic()
    save_model(model, tokenizer, args.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, configuration and tokenizer")
    parser.add_argument(
        "--start", type=Path, help="folder of an earlier run to go on from; give another seed for new text"
    )
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text", type=int, default=20_000, help="examples that the tokenizer is learnt from")
    parser.add_argument("--report", type=int, default=50, help="steps between two log lines")
    parser.add_argument("--save-seconds", type=float, default=300)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True, help="bf16 autocast")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
