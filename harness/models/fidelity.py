"""How two models foretell the same text. The untouched one is the source: its final hidden states are kept, about thirty
times smaller than its logits and with their whole tail, so that k models cost k passes and not 2 k.

Shape notation: T scored tokens of a text, d hidden size, V vocabulary. Definitions are those of llama.cpp's `perplexity`
(KL divergence, same top) and of the expected acceptance rate Σ min(p, q).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from harness.contract import Prompt, TokenFidelity
from harness.errors import StageError
from harness.models.failures import not_finite
from harness.models.generate import Generator, memory_errors

TOKENS_AT_ONCE = 64  # whose two distributions are in memory together
DIGITS = 6  # significant, of what is stored


@dataclass(frozen=True)
class Foretold:
    """One text as a model foretells it."""

    tokens: torch.Tensor  # (T,) int64: what is there
    logits: torch.Tensor  # (T, V)
    states: torch.Tensor  # (T, d): what the head makes the logits of


@torch.inference_mode()
def foretell(generator: Generator, prompt: Prompt) -> Foretold:
    """The prompt's target, read after its text, in a pass of its own: the numbers depend on no other text.

    Raises StageError if it does not fit the context, memory runs out, or a logit is not finite.
    """
    before, target = generator.encode(prompt), generator.encode_target(prompt)
    if not target:
        raise StageError(f"a prompt of role {prompt.role!r} has a target without tokens")
    if generator.max_new_tokens(prompt, len(before)) < 1:
        raise StageError(
            f"a text of {len(before) + len(target)} tokens exceeds the model's context {generator.loaded.context}",
            "use shorter texts",
        )
    found: list[torch.Tensor] = []
    head = generator.model.get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda _, args: found.append(args[0]))
    options: dict[str, Any] = {"use_cache": False}
    if "logits_to_keep" in generator.accepts:
        options["logits_to_keep"] = len(target) + 1  # the logits at position i foretell token i + 1
    ids = torch.tensor([[*before, *target]], device=generator.loaded.device)
    try:
        with memory_errors(1):
            logits = generator.model(input_ids=ids, attention_mask=torch.ones_like(ids), **options).logits
    finally:
        handle.remove()
    window = slice(-len(target) - 1, -1)
    logits = logits[0, window].float()
    if not bool(logits.isfinite().all()):
        raise not_finite()
    return Foretold(ids[0, -len(target) :], logits, found[-1][0, window])


class SourceLogits:
    """What the untouched model foretells of some texts, read from a file that `keep` wrote."""

    def __init__(self, file: Path, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        with safe_open(file, framework="pt") as stored:
            self._rows = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  (no mapping)
        self._head = self._rows.pop("head", None)
        self._bias = self._rows.pop("bias", None)
        if self._head is not None:
            self._head = self._head.to(device, dtype)

    def logits(self, text: int) -> torch.Tensor:
        """(T, V) of the text with this number. Raises StageError for one that the untouched model could not be asked."""
        if str(text) not in self._rows:
            raise StageError("the untouched model could not be asked this text")
        rows = self._rows[str(text)].to(self.device, self.dtype)
        if self._head is None:
            return rows.float()
        bias = None if self._bias is None else self._bias.to(self.device, self.dtype)
        return torch.nn.functional.linear(rows, self._head, bias).float()


@torch.inference_mode()
def keep(generator: Generator, prompts: Sequence[Prompt], file: Path, progress: Any) -> None:
    """Write what the model foretells of the texts: hidden states and the head, or, where the architecture does more than the
    head to get its logits (a soft cap, a scale), the logits themselves. A text that it cannot be asked is left out.

    Raises StageError if it can be asked none.
    """
    head = generator.model.get_output_embeddings()
    rows: dict[str, torch.Tensor] = {}
    plain, failure = True, None
    for number, prompt in enumerate(prompts):
        progress("source", number, len(prompts))
        try:
            text = foretell(generator, prompt)
        except StageError as error:
            failure = error
            continue
        if not rows:
            plain = bool(torch.allclose(head(text.states).float(), text.logits, rtol=1e-4, atol=1e-4))
        rows[str(number)] = (text.states if plain else text.logits).cpu().contiguous()
    progress("source", len(prompts), len(prompts))
    if failure and not rows:
        raise failure
    if plain:
        rows["head"] = _smallest(head.weight.detach()).cpu().contiguous()
        if getattr(head, "bias", None) is not None:
            rows["bias"] = head.bias.detach().cpu().contiguous()
    save_file(rows, file)


@torch.inference_mode()
def compare(source: torch.Tensor, text: Foretold) -> TokenFidelity:
    """The source's (T, V) logits against the model's, token by token.

    Raises StageError where the two vocabularies differ.
    """
    if source.shape != text.logits.shape:
        raise StageError(f"the vocabularies differ: {source.shape[1]} tokens and {text.logits.shape[1]}")
    columns: dict[str, list[torch.Tensor]] = {name: [] for name in TokenFidelity.model_fields}
    for start in range(0, len(text.tokens), TOKENS_AT_ONCE):
        part = slice(start, start + TOKENS_AT_ONCE)
        p, q = source[part].log_softmax(dim=-1), text.logits[part].log_softmax(dim=-1)
        there = text.tokens[part, None]
        gap = p - q
        columns["kl"].append((p.exp() * gap).sum(dim=-1))
        columns["reverse_kl"].append((q.exp() * -gap).sum(dim=-1))
        columns["overlap"].append(torch.minimum(p, q).exp().sum(dim=-1))
        columns["same_top"].append(p.argmax(dim=-1) == q.argmax(dim=-1))
        columns["source"].append(p.gather(1, there)[:, 0])
        columns["model"].append(q.gather(1, there)[:, 0])
    whole = {name: torch.cat(parts).tolist() for name, parts in columns.items()}
    rounded = {name: tuple(map(_rounded, values)) for name, values in whole.items()}
    return TokenFidelity.model_validate(rounded)


def _rounded(value: float | bool) -> float | bool:
    return value if isinstance(value, bool) else float(f"{value:.{DIGITS}g}")


def _smallest(weight: torch.Tensor) -> torch.Tensor:
    """In half the bytes where nothing is lost: most checkpoints are bfloat16 and are only computed with in float32."""
    half = weight.to(torch.bfloat16)
    return half if bool((half.to(weight.dtype) == weight).all()) else weight
