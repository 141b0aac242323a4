"""Score given text: the ends of sequences, or several continuations of one text that is read once, by the model's own cache
(choice_tree.py does it in one pass, with the models that can).

Shape notation: B sequences or U texts, L their padded length, R continuations of all texts together, K scored tokens of the
longest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from transformers import DynamicCache

from harness.models.padding import pad_right


def score_endings(
    model: Any,
    accepts: frozenset[str],
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    lengths: Sequence[int],
) -> list[float]:
    """The log-likelihood of each sequence's last tokens, as many as `lengths` says, in nats summed over them.

    `input_ids`, `attention_mask`: (B, L), padded on the left; `accepts`: names of the arguments of the model's forward.
    """
    longest = max(lengths)  # K
    options: dict[str, Any] = {"use_cache": False}
    if "logits_to_keep" in accepts:
        options["logits_to_keep"] = longest + 1  # the logits at position i foretell token i + 1
    if "position_ids" in accepts:
        options["position_ids"] = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)  # (B, L), padding not counted
    logits = model(input_ids=input_ids, attention_mask=attention_mask, **options).logits
    scored = log_probabilities(logits[:, -longest - 1 : -1], input_ids[:, -longest:]).cpu()
    return [row[-length:].sum().item() for row, length in zip(scored, lengths, strict=True)]


def score_choices(
    model: Any,
    accepts: frozenset[str],
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    choices: Sequence[Sequence[Sequence[int]]],
) -> list[list[float]] | None:
    """The log-likelihood of each text's continuations, in nats summed over their tokens.

    `input_ids`, `attention_mask`: (U, L), padded on the left; `choices`: tokens by text and continuation. None where the model
    keeps a memory that cannot be shared, or all texts are one token.
    """
    if not {"position_ids", "logits_to_keep"} <= accepts:
        return None
    texts = [text for text, own in enumerate(choices) for _ in own]  # (R,) the text of each continuation
    cache = prefill(model, input_ids, attention_mask, texts)  # all of a text but its last token
    if cache is None:
        return None
    rows = list(chain.from_iterable(choices))
    index = torch.tensor(texts, device=input_ids.device)
    tokens, counts = pad_right(rows, 0, input_ids.device)  # (R, K) each
    mask = torch.cat([attention_mask[index], counts[:, :-1]], dim=1)  # (R, L + K - 1): the last token foretells nothing
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    logits = model(
        input_ids=torch.cat([input_ids[index, -1:], tokens[:, :-1]], dim=1),  # (R, K)
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
    ).logits
    totals = iter((log_probabilities(logits, tokens) * counts).sum(dim=1).tolist())
    return [[next(totals) for _ in own] for own in choices]


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


def log_probabilities(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """(B, K, vocabulary) logits and the (B, K) tokens they foretell -> (B, K) in float64."""
    return logits.float().log_softmax(dim=-1).gather(2, tokens[:, :, None]).squeeze(2).double()
