"""Whether a model's replies depend on what else is in their batch, found by asking it.

They do where padding enters a recurrent state, and where the longest row of a batch decides how the positions of all are
turned (longrope). Such a model is asked one prompt at a time.

Shape notation: B rows, L their padded length, V vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from transformers import GenerationConfig

from harness.checkpoints.hub import one_line
from harness.models.padding import pad_left

SHORT, LONG = 3, 12  # tokens of the two rows
LIMITS = {torch.float32: 1e-3}  # difference of the logits over their spread; rounding stays below 1e-5
ROUGH = 0.1  # the limit in dtypes whose rounding is seen

Rows = list[list[int]]


@torch.inference_mode()
def batch_dependence(model: Any, context: int | None, pad: int) -> str:
    """Why the model is to be asked one prompt at a time; "" if a short and a long row get, in one batch padded on the left,
    the logits that each gets alone: of two generated tokens, and of the rows at their places.

    Where the model takes positions, the long row's are the last ones of its context (None: no limit is known).
    """
    vocabulary = model.get_input_embeddings().weight.shape[0]
    rows = [[index % vocabulary for index in range(start, start + count)] for start, count in ((5, SHORT), (11, LONG))]
    far = max(0, (context or LONG) - LONG)

    def generated(rows: Rows, starts: list[int]) -> torch.Tensor:
        return _generated(model, rows, pad)

    def placed(rows: Rows, starts: list[int]) -> torch.Tensor:
        return _placed(model, rows, starts, pad)

    ways = [generated, placed] if "position_ids" in inspect.signature(model.forward).parameters else [generated]
    for way in ways:
        try:
            alone = torch.cat([way([row], [start]) for row, start in zip(rows, (0, far), strict=True)])
        except torch.OutOfMemoryError:
            raise
        except Exception:  # it cannot be asked at all, which the first question tells
            return ""
        if reason := _apart(way, rows, [0, far], alone, LIMITS.get(model.dtype, ROUGH)):
            return reason
    return ""


def _apart(
    way: Callable[[Rows, list[int]], torch.Tensor], rows: Rows, starts: list[int], alone: torch.Tensor, limit: float
) -> str:
    """Why the two rows together are not what they are `alone` (2, steps, V); "" if they are."""
    try:
        together = way(rows, starts)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        return f"a batch of two rows fails: {one_line(error)}"
    spread = (alone - alone.mean(dim=-1, keepdim=True)).norm(dim=(1, 2))
    apart = float(((together - alone).norm(dim=(1, 2)) / spread).max())
    if not apart > limit:  # NaN is no dependence: the first question notices it
        return ""
    return f"in a batch of two rows its logits are off by {apart:.2g} of their spread"


def _generated(model: Any, rows: Rows, pad: int) -> torch.Tensor:
    """(B, 2, V): the logits of two greedy tokens, as questions get them."""
    tokens, mask = pad_left(rows, pad, model.get_input_embeddings().weight.device)
    own, model.generation_config = model.generation_config, GenerationConfig(pad_token_id=pad)  # nothing ends a reply
    try:
        made = model.generate(
            input_ids=tokens,
            attention_mask=mask,
            generation_config=GenerationConfig(
                max_new_tokens=2, do_sample=False, return_dict_in_generate=True, output_logits=True, pad_token_id=pad
            ),
        )
    finally:
        model.generation_config = own
    return torch.stack(made.logits, dim=1).float()


def _placed(model: Any, rows: Rows, starts: list[int], pad: int) -> torch.Tensor:
    """(B, 1, V): the logits after each row, its first token at the position that `starts` says."""
    tokens, mask = pad_left(rows, pad, model.get_input_embeddings().weight.device)
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0) + torch.tensor(starts, device=mask.device)[:, None]
    logits: torch.Tensor = model(input_ids=tokens, attention_mask=mask, position_ids=positions, use_cache=False).logits
    return logits[:, -1:].float()
