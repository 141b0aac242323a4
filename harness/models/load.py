"""Load a model and its tokenizer from a folder or the Hugging Face hub, ready to be asked.

Everything that can be wrong with a model becomes one `ModelError`, before any time is spent on it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from harness.checkpoints.blocked import block_linears
from harness.checkpoints.chat_template import freeze_clock
from harness.checkpoints.checkpoint import is_packed, open_checkpoint
from harness.checkpoints.gguf import dequantised, gguf_files
from harness.checkpoints.hub import hub_snapshot, one_line
from harness.checkpoints.loading_report import faulty_weights
from harness.checkpoints.pretrained import load_model, load_tokenizer
from harness.errors import ModelError, UsageError
from harness.models.batch_probe import batch_dependence
from harness.planning.devices import resolve_device, resolve_dtype

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
RENDERINGS = 20  # of one conversation: a coin that falls alike as often is not met


@dataclass(frozen=True)
class LoadedModel:
    """A causal language model in eval mode with a tokenizer that pads on the left and has a pad token."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    folder: Path
    device: torch.device
    dtype: torch.dtype
    eos: tuple[int, ...]  # every token that ends a reply
    context: int | None  # positions the model was built for; None where its config sets no limit
    alone: str = ""  # why it is asked one prompt at a time; "": replies do not depend on their batch


def load(source: str | Path, device: str = "auto", dtype: str = "auto", *, frozen: bool = False) -> LoadedModel:
    """Load `source`, a local folder or a hub id ("Qwen/Qwen2.5-0.5B"); packed Q + L·R folders load the same way.

    `device` "auto" is the GPU where there is one. `dtype` "auto" follows the device, not the checkpoint: float32 on the
    CPU, where replies then do not depend on their batch, and bfloat16 on a GPU. The model's own sampling defaults
    (temperature, repetition penalty, …) are dropped, because they would change what a run claims to sample; the tokens
    that end a reply are kept.

    `frozen`: the weights will only be read, so on a CPU they may be reordered, in which form they are multiplied faster.

    Raises ModelError if the model is missing, partial or unreadable, UsageError on an unknown device or dtype.
    """
    place = _device(device)
    precision = _dtype(dtype, place)
    folder = resolve_source(source)
    if is_packed(folder):
        import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format; slow, so only where it is needed)
    else:
        open_checkpoint(folder)  # the weights that digests and bytes are of are there and whole
    tokenizer = _load_tokenizer(folder)
    model = _load_weights(folder, place, precision)
    if frozen:
        block_linears(model)
    eos = _eos_tokens(model, tokenizer)
    if tokenizer.pad_token_id is None:
        if not eos:
            raise ModelError(f"the tokenizer in {folder} has neither a pad nor an end-of-text token", "add one to it")
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(eos[0])
    tokenizer.padding_side = "left"
    model.generation_config = GenerationConfig(eos_token_id=list(eos) or None, pad_token_id=tokenizer.pad_token_id)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    try:
        with quiet_transformers():
            alone = batch_dependence(model, context, tokenizer.pad_token_id)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"the model in {folder} does not fit on {place}: {one_line(error)}") from error
    return LoadedModel(model, tokenizer, folder, place, precision, eos, context, alone)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(resolve_device(name))
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}", "use auto, cpu, cuda, cuda:N or mps") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {name!r} was requested, but torch sees no CUDA GPU", "use --device cpu")
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    resolved = resolve_dtype(name, device.type)
    if resolved not in DTYPES:
        raise UsageError(f"unknown dtype {name!r}", f"use auto, {', '.join(DTYPES)}")
    return DTYPES[resolved]


# --------------------------------------------------------------------------------------------------- where a model lies


def resolve_source(source: str | Path) -> Path:
    """The local folder behind a path or hub id; a hub model that is not in the local cache yet is downloaded."""
    folder = Path(source).expanduser()
    if folder.exists() and (files := gguf_files(folder)):
        return dequantised(files)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"{folder} is not a model folder: it has no config.json")
        return folder
    if folder.exists():
        raise ModelError(
            f"{folder} is a file, not a model folder", "give a folder with config.json and safetensors, or a .gguf"
        )
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", str(source)) or str(source).startswith("."):
        raise ModelError(f"no model folder at {folder}")
    return hub_snapshot(str(source))


# ------------------------------------------------------------------------------------------------- what lies in it


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        with quiet_transformers():
            tokenizer: PreTrainedTokenizerBase = load_tokenizer(folder, padding_side="left")
            reads = tokenizer.encode("The number 7", add_special_tokens=False)
    except Exception as error:  # missing and corrupt tokenizers raise anything from OSError to TypeError
        raise ModelError(f"the tokenizer in {folder} cannot be loaded: {one_line(error)}") from error
    if not reads:  # without tokenizer.json a tokenizer may still load, with an empty vocabulary
        raise ModelError(f"the tokenizer in {folder} knows no tokens", "copy tokenizer.json from the original model")
    freeze_clock(tokenizer)
    _check_template(tokenizer, folder)
    return tokenizer


def _check_template(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Refuse a template that draws at random. One that takes no user's turn fails where it is asked for one."""
    if not tokenizer.chat_template:
        return
    turn = [{"role": "user", "content": "The number 7"}]
    try:
        renderings = {str(tokenizer.apply_chat_template(turn, tokenize=False)) for _ in range(RENDERINGS)}
    except Exception:  # a template may raise anything
        return
    if len(renderings) > 1:
        cause = f"the chat template in {folder} renders one conversation in several ways"
        raise ModelError(cause, "take what is random out of it")


def _load_weights(folder: Path, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    try:
        with quiet_transformers():
            model, report = load_model(
                folder, dtype=dtype, use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True
            )
    except ModelError:  # a packed folder that is unfinished or altered
        raise
    except Exception as error:  # unreadable JSON, truncated safetensors, unknown architectures, missing shards, …
        raise ModelError(f"the model in {folder} cannot be loaded: {one_line(error)}") from error
    if fault := faulty_weights(report, f"of the model in {folder}"):
        raise ModelError(fault)
    try:
        ready: PreTrainedModel = model.eval().to(device)
        return ready
    except (torch.OutOfMemoryError, RuntimeError) as error:
        raise ModelError(f"the model in {folder} does not fit on {device}: {one_line(error)}") from error


def named_ends(model: PreTrainedModel) -> list[int]:
    """The tokens that end a text, as the generation config or, failing that, the config names them.

    Raises ModelError where one is no token.
    """
    generation: Any = getattr(model.generation_config, "eos_token_id", None)
    named = generation if generation is not None else model.config.get_text_config().eos_token_id
    tokens = named if isinstance(named, list) else [named]
    if odd := [token for token in tokens if token is not None and not isinstance(token, int)]:
        raise ModelError(f"{odd[0]!r} is no token that ends a reply", "mend eos_token_id in generation_config.json")
    return [token for token in tokens if token is not None]


def _eos_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The tokens that the model names, and the tokenizer's own."""
    own = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return tuple(sorted({*named_ends(model), *own}))


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars, and no warnings: what they say is an error here."""
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
