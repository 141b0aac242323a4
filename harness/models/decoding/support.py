"""Which models can be decoded row by row: those that prove it, on two short rows, against a forward pass of their own."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from harness.checkpoints.hub import one_line
from harness.models.decoding.asks import Ask
from harness.models.decoding.continuous import RowDecoder
from harness.models.decoding.row_cache import RowCache
from harness.models.failures import out_of_memory

NEEDED = frozenset({"position_ids", "attention_mask", "past_key_values", "use_cache", "logits_to_keep"})
ROPE_OF_THE_BATCH = frozenset({"dynamic", "longrope"})  # frequencies that follow the longest row
TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.1}  # of the largest logit


def accepted(model: Any) -> frozenset[str]:
    """The arguments of the model's forward."""
    return frozenset(inspect.signature(model.forward).parameters)


def unsupported(decoder: RowDecoder, accepts: frozenset[str]) -> str | None:
    """Why a model must be decoded by transformers; None where it need not. `accepts`: its forward's arguments.

    Raises whatever running out of memory raises.
    """
    model = decoder.model
    config = model.config.get_text_config()
    if missing := sorted(NEEDED - accepts):
        return f"its forward pass takes no {missing[0]}"
    if not getattr(model, "_supports_attention_backend", False) or config._attn_implementation != "sdpa":
        return "its attention cannot be replaced"
    layers = DynamicCache(config=model.config).layers
    if any(type(layer) is not DynamicLayer for layer in layers):
        return "its blocks do not all attend to everything before"
    if (getattr(config, "rope_parameters", None) or {}).get("rope_type") in ROPE_OF_THE_BATCH:
        return "its positions depend on the batch"
    try:
        same = _agrees(decoder)
    except Exception as error:  # an architecture may refuse in any way
        if out_of_memory(error):
            raise
        return one_line(error)
    return None if same else "its logits differ when it is decoded row by row"


@torch.inference_mode()
def _agrees(decoder: RowDecoder) -> bool:
    """Whether two rows of unequal length, with a beginning in common, get the logits that each gets by itself."""
    model = decoder.model
    vocabulary: int = model.get_input_embeddings().weight.shape[0]
    texts = [[7, 3, 9, 6], [7, 3, 11, 5, 2, 13, 4]]
    rows = [[token % vocabulary for token in text] for text in texts]
    cache = RowCache(decoder.layers, len(rows), decoder.device)
    asks = [Ask(row[:-1], 0, 2, ()) for row in rows]
    running = decoder.enter(cache, 0, dict(enumerate(asks)))
    first = decoder.logits(cache, running)
    for row in running:
        row.last, row.filled = rows[row.number][-1], row.filled + 1
    second = decoder.logits(cache, running)
    got = torch.stack([first, second], dim=1)  # (2, 2, V)
    alone = torch.stack([_last_logits(decoder, rows[row.number]) for row in running])
    bound = TOLERANCE.get(model.dtype, 0.1) * alone.abs().nan_to_num().max().item()
    return torch.allclose(got.float(), alone, rtol=0, atol=max(bound, 1e-6), equal_nan=True)


def _last_logits(decoder: RowDecoder, row: Sequence[int]) -> torch.Tensor:
    """What the model itself says after the last two tokens of a row: (2, V)."""
    ids = torch.tensor([list(row)], device=decoder.device)
    logits: Any = decoder.model(input_ids=ids, use_cache=False).logits
    return logits[0, -2:].float()
