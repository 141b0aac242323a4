"""A model's activations while it replies: the residual stream at a chosen depth, averaged over each reply's tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from harness.contract import Prompt
from harness.errors import ModelError
from harness.models.generate import Generator, memory_errors
from harness.models.padding import pad_right, passes

BATCH_TOKENS = 8192  # padded tokens of one forward pass, but on a CPU
Text = tuple[str, str]  # prompt, reply
Tokens = tuple[Text, list[int], list[int]]  # a text, the tokens of its prompt and of its reply


def summed(generator: Generator, texts: Sequence[Text], depth: float) -> Iterator[tuple[Text, np.ndarray, int]]:
    """Each text, the sum of its reply's activations (d,) and the number of the reply's tokens, in order of length."""
    width = generator.model.get_input_embeddings().weight.shape[1]
    placed = sorted((text, *_tokens(generator, text)) for text in texts)
    context = generator.loaded.context
    fits = []
    for text, before, reply in placed:
        if reply and (context is None or len(before) + len(reply) <= context):
            fits.append((text, before, reply))
        else:
            yield text, np.full(width, np.nan, np.float32), len(reply)
    fits.sort(key=lambda row: len(row[1]) + len(row[2]))
    lengths = [len(before) + len(reply) for _, before, reply in fits]
    alone = (slice(row, row + 1) for row in range(len(fits)))
    for part in alone if generator.loaded.alone else passes(lengths, generator.loaded.device, BATCH_TOKENS):
        batch = fits[part]
        stream = residual(generator, [[*before, *reply] for _, before, reply in batch], depth, depth)
        for (text, before, reply), row in zip(batch, stream, strict=True):
            total = row[len(before) : len(before) + len(reply)].sum(dim=0)  # (T, d) -> (d,)
            yield text, total.cpu().numpy(), len(reply)


@torch.no_grad()
def residual(generator: Generator, rows: Sequence[Sequence[int]], low: float, high: float) -> torch.Tensor:
    """Rows of tokens -> (B, T, d) float32: the mean of the streams after each block from `low` to `high` of the depth, both
    included; later blocks are not run.

    Rows are padded on the right, which under causal attention changes no earlier position.
    """
    blocks = decoder_blocks(generator.model)
    first, last = (min(max(round(depth * len(blocks)), 1), len(blocks)) - 1 for depth in (low, high))
    found: list[torch.Tensor] = []

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        found.append((output[0] if isinstance(output, tuple) else output).float())
        if len(found) > last - first:
            raise _Reached

    tokens, mask = pad_right(rows, generator.tokenizer.pad_token_id, generator.loaded.device)
    handles = [block.register_forward_hook(keep) for block in blocks[first : last + 1]]
    try:
        with memory_errors(len(rows)):
            generator.model(input_ids=tokens, attention_mask=mask, use_cache=False)
    except _Reached:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(found).mean(dim=0)


def decoder_blocks(model: nn.Module) -> nn.ModuleList:
    """Raises ModelError for an architecture whose blocks are no plain list."""
    count = model.config.get_text_config().num_hidden_layers  # type: ignore[union-attr, operator]
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise ModelError(
        f"{type(model).__name__} has no list of {count} decoder blocks", "leave out detectors that need activations"
    )


class _Reached(Exception):
    """Raised when the wanted block has run."""


def _tokens(generator: Generator, text: Text) -> tuple[list[int], list[int]]:
    prompt, reply = text
    if not reply:
        return [], []
    asked = Prompt(role="reply", text=prompt, target=reply)
    return generator.encode(Prompt(role="reply", text=prompt)), generator.encode_target(asked)
