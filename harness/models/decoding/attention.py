"""Attention of one new token per row over the row's keys and values, without a copy for each query head.

Shape notation: n rows, H heads of keys and values, G query heads for each, T columns, D size of a head.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "harness_rows"
UNKNOWN = ("softcap", "s_aux", "position_bias", "sliding_window")  # changes to attention that are not made here


class UnknownAttention(ValueError):
    """A model wants something of attention that this one does not do."""


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """query (n, H·G, tokens, D), key and value (n, H, T, D), mask (n, 1, 1, T) to be added -> (n, tokens, H·G, D).

    Several tokens of a row are a prompt that is read: transformers' own attention does that.
    """
    if unknown := [name for name in UNKNOWN if kwargs.get(name) is not None]:
        raise UnknownAttention(f"its attention has {unknown[0]}")
    rows, heads, tokens, size = query.shape
    if tokens > 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, 0.0, scaling, **kwargs)
    scaling = size**-0.5 if scaling is None else scaling
    grouped = (query * scaling).view(rows, key.shape[1], -1, size)  # (n, H, G, D)
    scores = grouped @ key.transpose(2, 3)  # (n, H, G, T)
    if attention_mask is not None:
        scores += attention_mask
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    return (weights @ value).view(rows, 1, heads, value.shape[-1]), None


AttentionInterface.register(NAME, attend)


class RowAttention:
    """The blocks of one model, which can be told to attend by `attend`."""

    def __init__(self, model: torch.nn.Module) -> None:
        configs = (getattr(part, "config", None) for part in model.modules())
        self.configs = list({id(config): config for config in configs if config is not None}.values())

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        before = [config._attn_implementation for config in self.configs]
        try:
            for config in self.configs:
                config._attn_implementation = NAME
            yield
        finally:
            for config, name in zip(self.configs, before, strict=True):
                config._attn_implementation = name
