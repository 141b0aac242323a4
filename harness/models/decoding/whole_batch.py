"""Decode a batch with `model.generate`, leaving out the rows that have ended: for models that cannot be decoded row by row.

A batch takes as many steps as its longest reply, and a few replies run much longer than the rest, most of all those of
a damaged model. So generation pauses when half the rows have ended, and continues with the others and their part of the
key-value cache: at least half of the rows are always running.

Shape notation: B rows, L padded length of their prompts, T new tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

from harness.models.decoding.asks import Ended, Step
from harness.models.sampling import CoupledSampler, Sampling
from harness.models.stopping import RowStoppingCriteria


def decode_batch(
    model: Any,
    tokenizer: PreTrainedTokenizerBase | None,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    keys: Sequence[int],
    sampling: Sampling,
    limits: Sequence[int],
    eos: Sequence[int],
    stop: Sequence[str],
) -> Iterator[Step]:
    """What ended at each pause, numbered by row.

    `input_ids`, `attention_mask`: (B, L), padded on the left; `keys` and `limits` have one entry per row.
    """
    length = input_ids.shape[1]
    rows = torch.arange(len(input_ids), device=input_ids.device)  # (B,) the rows that still run
    all_keys, all_limits = (torch.tensor(column, device=input_ids.device) for column in (keys, limits))
    cache: DynamicCache | None = None
    while len(rows):
        before = input_ids.shape[1]
        endings, finite = RowStoppingCriteria(all_limits[rows], eos, stop, tokenizer, length), FiniteLogits()
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
        ends = torch.where(finite.rows, endings.ends, -1)  # (B,)
        ended = [
            Ended(row, tokens[length : length + end].tolist() if end > 0 else None)
            for row, end, tokens in zip(rows.tolist(), ends.tolist(), output.sequences, strict=True)
            if end
        ]
        yield Step(ended, len(rows) * (output.sequences.shape[1] - before))

        going = (ends == 0).nonzero().squeeze(1)  # (B',)
        rows, input_ids = rows[going], output.sequences[going]
        attention_mask = extend_mask(attention_mask[going], input_ids.shape[1])
        cache = getattr(output, "past_key_values", None)
        if type(cache) is not DynamicCache:
            cache = None  # a state space model has another kind of cache: its rows are read anew
        elif cache is not None and len(rows):
            cache.batch_select_indices(going)


def extend_mask(attention_mask: torch.Tensor, length: int) -> torch.Tensor:
    """(B, L) -> (B, length): every new token counts."""
    return torch.nn.functional.pad(attention_mask, (0, length - attention_mask.shape[1]), value=1)


class FiniteLogits(LogitsProcessor):
    """Notices logits that turn NaN or infinite: an argmax over them would pass for a reply.

    `rows` (B,) says after generation whose were finite: looking in each step would make a GPU wait.
    """

    rows: torch.Tensor

    def __call__(self, input_ids: torch.Tensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """scores: (B, V), returned as they are."""
        finite = scores.amax(dim=-1).isfinite()  # NaN propagates through amax
        self.rows = finite & getattr(self, "rows", finite)
        return scores
