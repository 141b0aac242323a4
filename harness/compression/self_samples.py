"""Calibration text that the model writes itself: it needs no data, so it can share none with an evaluation."""

from __future__ import annotations

import inspect
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig

from harness.checkpoints.blocked import block_linears
from harness.checkpoints.digest import model_digest
from harness.checkpoints.pretrained import load_config, load_model
from harness.checkpoints.shards import remote_model
from harness.compression.pieces import write_json
from harness.errors import UsageError
from harness.models.decoding.asks import Ask
from harness.models.decoding.decoder import Decoder
from harness.models.failures import not_finite
from harness.models.sampling import Sampling
from harness.planning.questions import request_key
from harness.store.code import arithmetic_versions, code_digest
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder

SAMPLING = Sampling(temperature=1.0)
SAMPLING_ROWS = 64  # under way at a time
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


def sampling_seconds(model: Path, count: int, length: int, seed: int, device: str = "cpu") -> float:
    """What `self_samples` will take if no sequence ends early: every step as long as one half way through; 0 if drawn."""
    if remote_model(model) or _kept(model, count, length, seed, device).is_file():
        return 0.0
    network = _loaded(model, device)
    ask = Ask([0] * max(1, length // 2), 0, TIMED_STEPS, ())
    times, begun = [], time.monotonic()
    for step in _decoder(network, ()).decode([ask] * min(SAMPLING_ROWS, count), SAMPLING, SAMPLING_ROWS):
        ended = time.monotonic()
        times.append((ended - begun) / step.tokens)
        begun = ended
    return statistics.median(times) * (length - 1) * count


def sampling_memory(model: Path, count: int, length: int) -> int:
    """Bytes of keys and values that `self_samples` keeps of the sequences under way; 0 for a model without attention."""
    config: Any = load_config(model).get_text_config()
    heads = getattr(config, "num_attention_heads", None)
    if not heads:
        return 0
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    kept = getattr(config, "num_key_value_heads", None) or heads
    return 4 * 2 * int(config.num_hidden_layers * kept * size) * length * min(SAMPLING_ROWS, count)


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


def sample_from(
    model: Path, count: int, length: int, seed: int, device: str = "cpu", told: Told | None = None
) -> list[list[int]]:
    """`count` sequences of at most `length` tokens drawn from the model at temperature 1, each ending with its eos.

    They start with the bos token; a model without one starts each with a token drawn uniformly from its vocabulary. The
    whole model is loaded for this.

    Raises:
        StageError: its logits are not finite, or memory runs out.
    """
    network = _loaded(model, device)
    config = network.generation_config
    named = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    ends = [end for end in named if end is not None]
    network.generation_config = GenerationConfig(eos_token_id=ends or None, pad_token_id=0)
    first = torch.full((count,), config.bos_token_id or 0)
    if config.bos_token_id is None:
        first = torch.randint(
            network.config.get_text_config().vocab_size, (count,), generator=torch.Generator().manual_seed(seed)
        )
    asks = [
        Ask([token], request_key(seed, "self-samples", str(number), "text", 0), length - 1, ())
        for number, token in enumerate(first.tolist())
    ]
    sequences: dict[int, list[int]] = {}
    drawn = 0
    for step in _decoder(network, ends).decode(asks, SAMPLING, SAMPLING_ROWS):
        drawn += step.tokens
        for number, tokens in step.ended:
            if tokens is None:
                raise not_finite()
            sequences[number] = [*asks[number].tokens, *tokens]
            drawn += length - 1 - len(tokens)
        if told is not None:
            told(drawn, count * (length - 1))
    return [sequences[number] for number in range(count)]


def _loaded(model: Path, device: str) -> Any:
    network = load_model(model, dtype=torch.float32).eval().to(device)
    block_linears(network)
    return network


def _decoder(network: Any, eos: Sequence[int]) -> Decoder:
    """Needs no tokenizer: what it is asked is one token or equally long, and no text ends a reply."""
    return Decoder(network, None, eos, frozenset(inspect.signature(network.forward).parameters))
