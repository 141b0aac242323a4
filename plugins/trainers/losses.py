"""The policy-gradient loss in its parts: group advantages, importance ratio, KL, denominator.

Shape notation: G rollouts of one prompt, B rows of a batch, T completion tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

Denominator = Literal["dr_grpo", "grpo", "bnpo", "dapo"]
Ratio = Literal["one", "true_clip", "pi"]
ZERO_STD = 1e-6  # rewards that differ by less count as equal


def group_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """R − mean (G,), without the division by the standard deviation, which would weigh a prompt by how rarely its
    rollouts differ (Dr. GRPO, arXiv 2503.20783)."""
    return rewards - rewards.mean()


def has_contrast(rewards: Sequence[float]) -> bool:
    """Whether some rollout of the group did better than another; without it every advantage is zero."""
    return len(rewards) > 1 and max(rewards) - min(rewards) >= ZERO_STD


def importance(log_probs: torch.Tensor, old: torch.Tensor, ratio: Ratio, gamma: float) -> torch.Tensor:
    """The factor (B, T) that carries the gradient.

    one        π_θ / sg(π_θ): 1 in value. For tokens of another policy this is advantage-weighted imitation
    true_clip  π_θ / π_old, to be clipped
    pi         π_θ / (π_θ + γ), which takes π_old as 1 and lifts rare but plausible tokens (LUFFY, arXiv 2504.14945)
    """
    if ratio == "one":
        return (log_probs - log_probs.detach()).exp()
    if ratio == "true_clip":
        return (log_probs - old).exp()
    probabilities = log_probs.exp()
    return probabilities / (probabilities + gamma)


def surrogate(factor: torch.Tensor, advantages: torch.Tensor, clip: float | None) -> torch.Tensor:
    """PPO's pessimistic loss per token (arXiv 1707.06347, equation 7): (B, T) factors, (B,) advantages -> (B, T)."""
    a = advantages[:, None]  # (B, 1)
    if clip is None:
        return -factor * a
    return -torch.minimum(factor * a, factor.clamp(1 - clip, 1 + clip) * a)


def clipped(factor: torch.Tensor, advantages: torch.Tensor, clip: float) -> torch.Tensor:
    """Which tokens (B, T) the clip leaves without a gradient: those already moved further than it allows."""
    a = advantages[:, None]  # (B, 1)
    return (a > 0) & (factor > 1 + clip) | (a < 0) & (factor < 1 - clip)


def k3(log_probs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Estimate of KL(π_θ ‖ π_ref) per token, never negative: e^d − d − 1 with d = log π_ref − log π_θ (Schulman)."""
    d = reference - log_probs
    return d.exp() - d - 1


def token_weights(
    kind: Denominator, lengths: torch.Tensor, planned_rows: int, max_tokens: int, micro_batch: int
) -> torch.Tensor:
    """What a token of each row counts for in the step's loss: lengths (B,) of all rows of the step -> weights (B,).

    dr_grpo  1 / (planned rows · max tokens): a constant, so that neither length nor luck of the batch matters
    grpo     1 / (rows · own length): the mean of the sequences' means
    dapo     1 / all tokens of the step
    bnpo     1 / (micro-batches · tokens of the row's micro-batch): the only one that depends on the cut
    """
    lengths = lengths.float()
    if kind == "dr_grpo":
        return torch.full_like(lengths, 1 / (planned_rows * max_tokens))
    if kind == "grpo":
        return 1 / (lengths * len(lengths))
    if kind == "dapo":
        return torch.full_like(lengths, 1 / float(lengths.sum()))
    cuts = lengths.split(micro_batch)
    return torch.cat([torch.full_like(cut, 1 / float(len(cuts) * cut.sum())) for cut in cuts])
