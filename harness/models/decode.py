"""Sample a batch of token rows with `model.generate`, leaving out the rows that have ended.

A batch takes as many steps as its longest reply, and a few replies run much longer than the rest, most of all those of
a damaged model. So generation pauses when half the rows have ended, and continues with the others and their part of the
key-value cache: at least half of the rows are always running.

Shape notation: B rows, L padded length of their prompts, T new tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
)

from harness.errors import StageError
from harness.models.sampling import CoupledSampler, Sampling
from harness.models.stopping import RowStoppingCriteria


def decode(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    keys: Sequence[int],
    sampling: Sampling,
    limits: Sequence[int],
    eos: Sequence[int],
    stop: Sequence[str],
    cache: DynamicCache | None = None,
) -> list[list[int]]:
    """New tokens of each row, up to and including the one that ended it.

    `input_ids`, `attention_mask`: (B, L), padded on the left; `keys` and `limits` have one entry per row; `cache` is what
    `prefill` has read of the rows already. Raises StageError if the logits are not finite.
    """
    length = input_ids.shape[1]
    rows = torch.arange(len(input_ids), device=input_ids.device)  # (B,) the rows that still run
    all_keys, all_limits = (torch.tensor(column, device=input_ids.device) for column in (keys, limits))
    replies: list[list[int]] = [[] for _ in keys]
    finite = FiniteLogits()
    while len(rows):
        endings = RowStoppingCriteria(all_limits[rows], eos, stop, tokenizer, length)
        processors: list[LogitsProcessor] = [finite]
        if not sampling.greedy:
            processors.append(CoupledSampler(all_keys[rows], sampling, length))
        output = model.generate(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=cache,
            generation_config=GenerationConfig(
                max_length=length + max(limits), do_sample=False, return_dict_in_generate=True
            ),
            logits_processor=LogitsProcessorList(processors),
            stopping_criteria=StoppingCriteriaList([endings]),
        )
        finite.check()
        for row, end, tokens in zip(rows.tolist(), endings.ends.tolist(), output.sequences, strict=True):
            replies[row] = tokens[length : length + end].tolist()

        going = (endings.ends == 0).nonzero().squeeze(1)  # (B',)
        rows, input_ids = rows[going], output.sequences[going]
        attention_mask = extend_mask(attention_mask[going], input_ids.shape[1])
        cache = getattr(output, "past_key_values", None)
        if type(cache) is not DynamicCache:
            cache = None  # a state space model has another kind of cache: its rows are read anew
        elif cache is not None and len(rows):
            cache.batch_select_indices(going)
    return replies


@torch.no_grad()
def prefill(
    model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, rows: Sequence[int]
) -> DynamicCache | None:
    """The key-value cache of B requests for U distinct prompts, each read once, all but its last token.

    `input_ids`, `attention_mask`: (U, L), padded on the left; `rows` has the prompt of each of the B requests. None if
    the model keeps another kind of cache, or there is nothing to read.
    """
    if input_ids.shape[1] < 2:
        return None
    seen = attention_mask[:, :-1]
    positions = (seen.cumsum(dim=1) - 1).clamp(min=0)  # (U, L - 1)
    output = model(
        input_ids=input_ids[:, :-1],
        attention_mask=seen,
        position_ids=positions,
        use_cache=True,
        logits_to_keep=1,
    )
    cache = getattr(output, "past_key_values", None)
    if cache is None or type(cache) is not DynamicCache:
        return None
    cache.batch_select_indices(torch.tensor(rows, device=input_ids.device))
    return cache


def extend_mask(attention_mask: torch.Tensor, length: int) -> torch.Tensor:
    """(B, L) -> (B, length): every new token counts."""
    return torch.nn.functional.pad(attention_mask, (0, length - attention_mask.shape[1]), value=1)


class FiniteLogits(LogitsProcessor):
    """Notices logits that turn NaN or infinite: an argmax over them would pass for a reply.

    Call `check` after generation: looking at the result in each step would make a GPU wait.
    """

    def __init__(self) -> None:
        self.finite: torch.Tensor | bool = True

    def __call__(self, input_ids: torch.Tensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """scores: (B, V), returned as they are."""
        self.finite = scores.amax(dim=-1).isfinite().all() & self.finite  # NaN propagates through amax
        return scores

    def check(self) -> None:
        if not self.finite:
            raise not_finite()


def not_finite() -> StageError:
    return StageError("the model's logits are not finite", "its weights are damaged, or too large for this dtype")
