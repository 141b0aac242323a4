"""Temperature sampling whose randomness belongs to the request, not to the batch.

A sample from softmax(logits / T) is argmax(logits / T + Gumbel noise) (the Gumbel-max trick: Maddison, Tarlow & Minka
2014). Here the noise of a token is a pure function of (request key, position in the reply, token): a counter-based
generator in the sense of Random123 (Salmon et al. 2011) that mixes with SplitMix64 (Steele, Lea & Flood 2014). Hence

- a reply does not depend on which other requests share its batch, in which order, or on how it was padded;
- two models that answer one request draw the same noise, so that they part only where their distributions do
  (coupled sampling, arXiv 2502.01754), which shrinks the variance of every paired difference;
- nothing is seeded globally, and a run that resumes draws what it would have drawn.

Shape notation: B requests in a batch, V tokens in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from pydantic import Field
from transformers import LogitsProcessor

from harness.contract import Record


class Sampling(Record):
    """How tokens are drawn. Temperature 0 is greedy; `top_p` keeps the smallest set of tokens with that much mass."""

    temperature: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)

    @property
    def greedy(self) -> bool:
        return self.temperature == 0.0


class CoupledSampler(LogitsProcessor):
    """Turns greedy decoding into exact temperature and top-p sampling with each request's own noise.

    One instance serves one batch: `keys` has one entry per row, `prompt_length` is the padded length of its prompts.
    """

    def __init__(self, keys: Sequence[int] | torch.Tensor, sampling: Sampling, prompt_length: int) -> None:
        if sampling.greedy:
            raise ValueError("greedy decoding draws no noise: leave the sampler out")
        self.keys = torch.as_tensor(keys, dtype=torch.int64)  # (B,)
        self.sampling = sampling
        self.prompt_length = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.FloatTensor:
        """input_ids: (B, prompt_length + position); scores: (B, V) logits -> (B, V) perturbed log-probabilities."""
        position = input_ids.shape[1] - self.prompt_length
        self.keys = self.keys.to(scores.device)
        scores = tempered(scores, self.sampling)
        return cast(torch.FloatTensor, scores + gumbel_noise(self.keys, position, scores.shape[1]))


def draw(
    logits: torch.Tensor, keys: torch.Tensor, positions: torch.Tensor, sampling: Sampling
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, V) logits -> the next token of each row, at a position of its own, and whether its logits are finite. (B,) each

    What `CoupledSampler` and an argmax give. Noise has a largest value, so at low temperatures few tokens can still win: it
    is then drawn for those alone.
    """
    best, likeliest = logits.max(dim=-1)  # NaN propagates
    finite = best.isfinite()
    if sampling.greedy:
        return likeliest, finite
    scores = tempered(logits, sampling)
    streams = noise_streams(keys, positions)  # (B,)
    least = scores.gather(1, likeliest[:, None]) + token_noise(streams[:, None], likeliest[:, None])  # (B, 1)
    can_win = scores >= least - LARGEST_NOISE
    if int(can_win.sum()) * FEW > can_win.numel():
        return _noisiest(scores, streams), finite
    rows, tokens = can_win.nonzero(as_tuple=True)  # (N,) each
    noisy = scores[rows, tokens] + token_noise(streams[rows], tokens)
    highest = noisy.new_full((len(logits),), float("-inf")).scatter_reduce(0, rows, noisy, "amax")
    first = torch.where(
        noisy == highest[rows], tokens, logits.shape[1]
    )  # of tokens that tie, the first wins, as in argmax
    return likeliest.scatter_reduce(0, rows, first, "amin", include_self=False), finite


def _noisiest(scores: torch.Tensor, streams: torch.Tensor) -> torch.Tensor:
    """(B, V) scores, (B,) streams -> (B,) argmax with noise. On a CPU a few rows at a time, so that all stays in its cache."""
    tokens = torch.arange(scores.shape[1], device=scores.device)
    together = max(1, CACHED // scores.shape[1]) if scores.device.type == "cpu" else len(scores)
    best = [
        token_noise(stream[:, None], tokens).add_(part).argmax(dim=-1)
        for part, stream in zip(scores.split(together), streams.split(together), strict=True)
    ]
    return torch.cat(best)


def tempered(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """(B, V) logits -> (B, V) scores whose softmax is what is sampled from."""
    scores = scores.float() / sampling.temperature
    return keep_top_p(scores, sampling.top_p) if sampling.top_p < 1.0 else scores


def keep_top_p(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """(B, V) scores with -inf outside the smallest set of likeliest tokens that holds `top_p` of the mass.

    Tokens that tie with the last one kept are kept too, so the set does not depend on how a sort breaks ties.
    """
    ranked = scores.sort(dim=-1, descending=True).values  # (B, V)
    mass_before = ranked.softmax(dim=-1).cumsum(dim=-1).roll(1, dims=-1)
    mass_before[:, 0] = 0.0
    kept = (mass_before < top_p).sum(dim=-1, keepdim=True)  # (B, 1), at least one
    return scores.masked_fill(scores < ranked.gather(-1, kept - 1), float("-inf"))


def gumbel_noise(keys: torch.Tensor, position: int, vocabulary: int) -> torch.Tensor:
    """Standard Gumbel noise (B, V) in float32 for every token at one position of each keyed reply."""
    positions = torch.tensor(position, dtype=torch.int64, device=keys.device)
    tokens = torch.arange(vocabulary, dtype=torch.int64, device=keys.device)  # (V,)
    return token_noise(noise_streams(keys, positions)[:, None], tokens)


def noise_streams(keys: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The state from which the noise of one position of each keyed reply is drawn, token by token."""
    return splitmix64(keys ^ splitmix64(positions))


def token_noise(streams: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Standard Gumbel noise in float32 of tokens in streams, broadcast against each other.

    It is -log(E) of an exponential variate E = -log(1 - u). The uniform u keeps a full mantissa down to 2^-54, where E
    is small and the noise large, so that rare tokens win as often as they should.
    """
    bits = shift_right(splitmix64(streams + (tokens + 1) * GOLDEN_GAMMA), 11)  # 53 of them
    uniform = bits.float().add_(0.5).mul_(2.0**-53).clamp_(max=1.0 - 2.0**-24)
    exponential = uniform.neg_().log1p_().neg_()
    return exponential.log_().neg_()


CACHED = 1 << 18  # about as many 64-bit numbers as a core's cache holds
FEW = 8  # an eighth of the tokens: beyond that, noise for all is quicker than looking them up
LARGEST_NOISE = 37.5  # -log(2^-54), with something to spare for rounding
GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - 2**64  # SplitMix64's increment and multipliers as signed 64-bit numbers
MIX_1 = 0xBF58476D1CE4E5B9 - 2**64
MIX_2 = 0x94D049BB133111EB - 2**64


def splitmix64(state: torch.Tensor) -> torch.Tensor:
    """SplitMix64's output function on int64 states of any shape: a bijection that scatters neighbouring counters."""
    z = state + GOLDEN_GAMMA
    z.bitwise_xor_(shift_right(z, 30)).mul_(MIX_1)
    z.bitwise_xor_(shift_right(z, 27)).mul_(MIX_2)
    return z.bitwise_xor_(shift_right(z, 31))


def shift_right(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Logical shift of int64: torch's >> copies the sign bit, and unsigned 64-bit arithmetic is not on every device."""
    return (x >> bits).bitwise_and_(2 ** (64 - bits) - 1)
