"""Calibration text that the model writes itself: it needs no data, so it can share none with an evaluation."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from harness.checkpoints.digest import model_digest
from harness.checkpoints.shards import remote_model
from harness.compression.pieces import write_json
from harness.errors import UsageError
from harness.store.code import arithmetic_versions, code_digest
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder

SAMPLING_BATCH = 32
TIMED_STEPS = 5  # of which the median counts


Told = Callable[[int, int], None]  # tokens drawn so far, and of them all if no sequence ends early


def self_samples(
    model: Path, count: int, length: int, seed: int, device: str = "cpu", told: Told | None = None
) -> list[list[int]]:
    """`sample_from`, drawn once: every compressor of a run calibrates on the same text, which lies in the shared cache."""
    if remote_model(model):
        raise UsageError(
            f"sampling from {model} needs all its shards at once", "calibrate on a text, or download it first"
        )
    file = _kept(model, count, length, seed, device)
    with exclusive_lock(file):
        if not file.is_file():
            write_json(file, sample_from(model, count, length, seed, device, told))
    return read_json(file)


@torch.no_grad()
def sampling_seconds(model: Path, count: int, length: int, seed: int, device: str = "cpu") -> float:
    """What `self_samples` will take if no sequence ends early: every step as long as one half way through; 0 if drawn."""
    from harness.checkpoints.pretrained import load_model

    if remote_model(model) or _kept(model, count, length, seed, device).is_file():
        return 0.0
    network = load_model(model, dtype=torch.float32).eval().to(device)
    rows = min(SAMPLING_BATCH, count)
    middle = torch.zeros(1, max(1, length // 2), dtype=torch.long, device=device)
    cache = network(input_ids=middle, use_cache=True).past_key_values
    cache.batch_repeat_interleave(rows)
    tokens, times = middle[:, :1].expand(rows, 1), []
    for _ in range(TIMED_STEPS):
        begun = time.monotonic()
        network(input_ids=tokens, past_key_values=cache, use_cache=True).logits[:, -1].float().softmax(dim=-1).cpu()
        times.append(time.monotonic() - begun)
    return statistics.median(times) * (length - 1) * -(-count // SAMPLING_BATCH)


def _kept(model: Path, count: int, length: int, seed: int, device: str) -> Path:
    """The file of the shared cache in which the samples lie, or will."""
    drawn = (
        model_digest(model),
        count,
        length,
        seed,
        device.partition(":")[0],
        code_digest(__name__),
        arithmetic_versions(),
    )
    return cache_folder() / "self-samples" / f"{key_of(drawn)[:32]}.json"


@torch.no_grad()
def sample_from(
    model: Path, count: int, length: int, seed: int, device: str = "cpu", told: Told | None = None
) -> list[list[int]]:
    """`count` sequences of at most `length` tokens drawn from the model at temperature 1, each ending with its eos.

    They start with the bos token; a model without one starts each with a token drawn uniformly from its vocabulary. The
    whole model is loaded for this.
    """
    from harness.checkpoints.pretrained import load_model

    network = load_model(model, dtype=torch.float32).eval()
    network.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    config = network.generation_config
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    stop = torch.tensor([end for end in ends if end is not None], device=device)
    sequences: list[list[int]] = []
    for first in range(0, count, SAMPLING_BATCH):
        rows = min(SAMPLING_BATCH, count - first)
        if config.bos_token_id is None:
            tokens = torch.randint(network.config.vocab_size, (rows, 1), generator=generator, device=device)
        else:
            tokens = torch.full((rows, 1), config.bos_token_id, device=device)
        for drawn in _continue(network, tokens, length, stop, generator):
            tokens = drawn
            if told is not None:
                told(first * length + tokens.numel(), count * length)
        sequences += [_until(row, stop) for row in tokens.tolist()]
    return [sequence for sequence in sequences if len(sequence) > 1]


def _continue(
    network: Any, tokens: torch.Tensor, length: int, stop: torch.Tensor, generator: torch.Generator
) -> Iterator[torch.Tensor]:
    """(B, 1) first tokens -> these, (B, 2), (B, 3) … up to (B, length); ends early once every row has stopped."""
    yield (rows := tokens)
    cache, ended = None, torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
    for _ in range(length - 1):
        out = network(input_ids=tokens, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        probabilities = out.logits[:, -1].float().softmax(dim=-1)  # (B, T, V) -> (B, V)
        tokens = torch.multinomial(probabilities, 1, generator=generator)  # (B, 1)
        rows = torch.cat((rows, tokens), dim=1)
        yield rows
        ended |= torch.isin(tokens[:, 0], stop)
        if bool(ended.all()):
            return


def _until(tokens: list[int], stop: torch.Tensor) -> list[int]:
    """Up to and with the first stop token after the first position."""
    ends = set(stop.tolist())
    end = next((index for index, token in enumerate(tokens) if index and token in ends), len(tokens) - 1)
    return tokens[: end + 1]
