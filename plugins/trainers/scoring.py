"""Log-probabilities of completions under a model, for losses and gradients.

Shape notation: B sequences, L tokens of the longest, T completion tokens of the longest completion, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from harness.errors import StageError


@dataclass(frozen=True)
class Tokens:
    """A prompt and one completion of it, the token that ended it included."""

    prompt: list[int]
    completion: list[int]


class Scored(NamedTuple):
    log_probs: torch.Tensor  # (B, T) of the completion tokens; 0 where there is none
    entropy: torch.Tensor  # (B, T) nats, without gradient
    mask: torch.Tensor  # (B, T) float, 1 at completion tokens


def score(model: Any, batch: Sequence[Tokens], pad: int) -> Scored:
    """One forward pass over right-padded rows. Raises StageError on logits that are not finite."""
    device = next(model.parameters()).device
    rows = [[*tokens.prompt, *tokens.completion] for tokens in batch]
    width = max(map(len, rows))  # L
    input_ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=device)  # (B, L)
    attention = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    longest = max(len(tokens.completion) for tokens in batch)  # T
    steps = torch.arange(longest, device=device)  # (T,)
    starts = torch.tensor([len(tokens.prompt) for tokens in batch], device=device)[:, None]  # (B, 1)
    lengths = torch.tensor([len(tokens.completion) for tokens in batch], device=device)[:, None]
    at = (starts + steps).clamp(max=width - 1)  # (B, T) where the completion's tokens stand
    mask = (steps < lengths).float()

    first = int(starts.min()) - 1  # no logits of what all rows have as prompt: L' = L − first
    logits = model(
        input_ids=input_ids, attention_mask=attention, use_cache=False, logits_to_keep=width - first
    ).logits  # (B, L', V)
    before = (at - 1 - first)[:, :, None].expand(-1, -1, logits.shape[-1])  # the logits at i foretell token i + 1
    log_softmax = logits.gather(1, before).float().log_softmax(dim=-1)  # (B, T, V)
    targets = input_ids.gather(1, at)[:, :, None]  # (B, T, 1)
    log_probs = log_softmax.gather(2, targets).squeeze(2) * mask
    if not torch.isfinite(log_probs).all():
        raise StageError("the model's log-probabilities are not finite", "lower the learning rate, or use float32")
    with torch.no_grad():
        entropy = -(log_softmax.exp() * log_softmax).sum(dim=-1) * mask
    return Scored(log_probs, entropy, mask)
