"""Calibration text that the model writes itself: it needs no data, so it can share none with an evaluation."""

from __future__ import annotations

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
from harness.models.decoding.continuous import TREE
from harness.models.decoding.decoder import Decoder
from harness.models.decoding.support import accepted
from harness.models.failures import not_finite
from harness.models.load import named_ends
from harness.models.sampling import Sampling
from harness.planning.questions import request_key
from harness.store.code import arithmetic_versions, code_digest
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder

SAMPLING = Sampling(temperature=1.0)
SAMPLING_ROWS = 64  # under way at a time
TIMED_STEPS = 8
HALF_WAY = TREE // 2  # two prompts of so many tokens are still read as one


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
    """What `self_samples` will take if no sequence ends early, 0 if drawn: every step as long as one half way through, or
    as one behind HALF_WAY tokens where that is sooner."""
    if remote_model(model) or _kept(model, count, length, seed, device).is_file():
        return 0.0
    network = _loaded(model, device)
    decoder, rows = _decoder(network, ()), min(SAMPLING_ROWS, count)
    prompt = [0] * max(1, min(length // 2, HALF_WAY))

    def taken(steps: int) -> float:
        begun = time.monotonic()
        for _ in decoder.decode([Ask(prompt, 0, steps, ())] * rows, SAMPLING, rows):
            pass
        return time.monotonic() - begun

    taken(1)  # the first time takes longest
    reading, whole = taken(1), taken(1 + TIMED_STEPS)
    step = (whole - reading) / TIMED_STEPS if whole > reading else whole / (1 + TIMED_STEPS)
    return step * (length - 1) * count / rows


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
    bos, ends = network.generation_config.bos_token_id, network.generation_config.eos_token_id or []
    first = torch.full((count,), bos or 0)
    if bos is None:
        first = torch.randint(
            network.config.get_text_config().vocab_size, (count,), generator=torch.Generator().manual_seed(seed)
        )
    asks = [
        Ask([token], request_key(seed, "self-samples", str(number), "text", 0), length - 1, ())
        for number, token in enumerate(first.tolist())
    ]
    sequences: dict[int, list[int]] = {}
    drawn, whole = 0, count * (length - 1)
    remedy = "fewer or shorter sequences, or calibrate on a text"
    for step in _decoder(network, ends).decode(asks, SAMPLING, SAMPLING_ROWS, remedy):
        drawn += step.tokens
        for number, tokens in step.ended:
            if tokens is None:
                raise not_finite()
            sequences[number] = [*asks[number].tokens, *tokens]
            drawn += length - 1 - len(tokens)
        if told is not None:
            told(min(drawn, whole), whole)  # decoded batch by batch, rows that have ended are counted on
    return [sequences[number] for number in range(count)]


def _loaded(model: Path, device: str) -> Any:
    """The model, of whose own ways of sampling only the tokens are kept that begin and end a text."""
    network = load_model(model, dtype=torch.float32).eval().to(device)
    block_linears(network)
    network.generation_config = GenerationConfig(
        bos_token_id=network.generation_config.bos_token_id, eos_token_id=named_ends(network) or None, pad_token_id=0
    )
    return network


def _decoder(network: Any, eos: Sequence[int]) -> Decoder:
    """Needs no tokenizer: what it is asked is one token or equally long, and no text ends a reply."""
    return Decoder(network, None, eos, accepted(network))
