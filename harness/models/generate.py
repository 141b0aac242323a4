"""Ask a loaded model: batches of requests in, replies out.

Shape notation: B requests in a batch, L padded length of their prompts, K scored tokens, V vocabulary.
"""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch

from harness.contract import Prompt, Record, Reply
from harness.errors import StageError
from harness.models.decode import decode, not_finite
from harness.models.load import LoadedModel
from harness.models.sampling import Sampling, request_key
from harness.models.stopping import cut_at_stop


class Request(Record):
    """One prompt of one item, asked for the `repeat`-th time."""

    item: str
    repeat: int
    prompt: Prompt

    @property
    def role(self) -> str:
        return self.prompt.role

    def key(self, seed: int, suite: str) -> int:
        """Names the request's sampling noise: the same for every model that is asked."""
        return request_key(seed, suite, self.item, self.role, self.repeat)


class BatchKey(NamedTuple):
    """What the requests of one batch have in common."""

    repeat: int
    role: str
    scored: bool  # a target's log-likelihood is wanted, nothing is generated
    fits: bool
    max_tokens: int
    stop: tuple[str, ...]


class Generator:
    """Asks one model. Nothing here draws from a global random state or depends on what was asked before."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        model: Any = loaded.model
        tokenizer: Any = loaded.tokenizer
        self.model, self.tokenizer = model, tokenizer
        self.vocabulary: int = model.get_input_embeddings().weight.shape[0]
        self.accepts = frozenset(inspect.signature(model.forward).parameters)

    def as_lm(self, batch_size: int) -> tuple[Any, bool]:
        """(lm-eval's `LM` around this model, False: it takes text)."""
        from harness.lm_eval.library import HFLM

        return HFLM(pretrained=self.model, tokenizer=self.tokenizer, batch_size=batch_size), False

    # ------------------------------------------------------------------------------------------------- text to tokens

    def encode(self, prompt: Prompt) -> list[int]:
        """The tokens the model reads: one user turn of its chat template where it has one, else the plain text.

        An empty prompt with a target gets no turn: the target is scored as a text of its own. Some token must come
        first: where the tokenizer adds none, the beginning- or else the end-of-text token does, as in lm-eval.
        """
        special = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id)
        return self._tokens(prompt) or [next(token for token in special if token is not None)]

    def encode_target(self, prompt: Prompt) -> list[int]:
        """The target's tokens as they continue the prompt's; [] without a target.

        Where a token would straddle the seam between prompt and target, the target is tokenised by itself.
        """
        if not prompt.target:
            return []
        before, joined = self._tokens(prompt), self._tokens(prompt, prompt.target)
        if joined[: len(before)] == before:
            return joined[len(before) :]
        return self.tokenizer.encode(prompt.target, add_special_tokens=False)

    def _tokens(self, prompt: Prompt, continuation: str = "") -> list[int]:
        if self.tokenizer.chat_template and (prompt.text or prompt.target is None):
            turns = [{"role": "user", "content": prompt.text}]
            text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            return self.tokenizer.encode(text + continuation, add_special_tokens=False)
        return self.tokenizer.encode(prompt.text + continuation)

    def room(self, prompt: Prompt, length: int) -> int:
        """New tokens that a reply to this prompt of `length` tokens may have: `max_tokens`, or what the context leaves.

        The context's end is never silent: a reply that reaches it is `truncated`, and one that ends before is what it
        would have been anyway. A prompt with a target needs room for the target and has 0 or 1.
        """
        context = self.loaded.context
        if prompt.target is not None:
            return 1 if context is None or length + len(self.encode_target(prompt)) <= context else 0
        return prompt.max_tokens if context is None else min(prompt.max_tokens, context - length)

    # ------------------------------------------------------------------------------------------------------- batching

    def batches(self, requests: Iterable[Request], batch_size: int) -> list[list[Request]]:
        """Partition requests into batches that depend on nothing but the requests, the tokenizer and `batch_size`.

        A batch holds requests of one repeat and role with the same limits, ordered by encoded length, so that little is
        padded, then by item. A request that does not fit the context is a batch of its own, so that it fails alone.
        """
        if batch_size < 1:
            raise ValueError("batch_size must be at least 1")

        def place(request: Request) -> tuple[BatchKey, int, str]:
            prompt = request.prompt
            length = len(self.encode(prompt))
            fits = self.room(prompt, length) > 0
            alike = BatchKey(
                request.repeat, request.role, prompt.target is not None, fits, prompt.max_tokens, prompt.stop
            )
            return alike, length + len(self.encode_target(prompt)), request.item

        placed = sorted(((place(request), request) for request in requests), key=lambda pair: pair[0])
        batches: list[list[Request]] = []
        for alike, group in groupby(placed, key=lambda pair: pair[0][0]):
            members = [request for _, request in group]
            size = batch_size if alike.fits else 1
            batches += [members[start : start + size] for start in range(0, len(members), size)]
        return batches

    # --------------------------------------------------------------------------------------------------------- asking

    def ask(self, batch: Sequence[Request], seed: int, suite: str, sampling: Sampling) -> list[Reply]:
        """Replies to a batch of `batches`, in its order: generated text, or log-likelihoods of targets."""
        prompts = [request.prompt for request in batch]
        if prompts[0].target is not None:
            return self.log_likelihood(prompts)
        return self.generate(prompts, [request.key(seed, suite) for request in batch], sampling)

    @torch.inference_mode()
    def generate(self, prompts: Sequence[Prompt], keys: Sequence[int], sampling: Sampling) -> list[Reply]:
        """One reply per prompt, sampled with the noise of its request key. The prompts share `max_tokens` and `stop`.

        Raises StageError if a prompt does not fit the context, memory runs out, or the model's logits are not finite.
        """
        if len({(prompt.max_tokens, prompt.stop) for prompt in prompts}) != 1 or len(keys) != len(prompts):
            raise ValueError("the prompts of a batch share max_tokens and stop, and each has one key")
        rows = [self.encode(prompt) for prompt in prompts]
        limits = [self._check_room(prompt, row) for prompt, row in zip(prompts, rows, strict=True)]
        input_ids, attention_mask = self._pad(rows)  # (B, L)
        with memory_errors(len(prompts)):
            replies = decode(
                self.model,
                self.tokenizer,
                input_ids,
                attention_mask,
                keys=keys,
                sampling=sampling,
                limits=limits,
                eos=self.loaded.eos,
                stop=prompts[0].stop,
            )
        return [self._reply(tokens, prompts[0].stop, limit) for tokens, limit in zip(replies, limits, strict=True)]

    def _reply(self, tokens: list[int], stop: tuple[str, ...], limit: int) -> Reply:
        text = self.tokenizer.decode(tokens, skip_special_tokens=True)
        shown = cut_at_stop(text, stop)
        ended = tokens[-1] in self.loaded.eos or shown != text
        return Reply(text=shown, tokens=len(tokens), truncated=not ended and len(tokens) >= limit)

    @torch.inference_mode()
    def log_likelihood(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """The log-likelihood of each prompt's target after its text, in nats summed over the target's tokens.

        Raises StageError if prompt and target do not fit the context, memory runs out, or the result is not finite.
        """
        befores = [self.encode(prompt) for prompt in prompts]
        targets = [self.encode_target(prompt) for prompt in prompts]
        for prompt, before, target in zip(prompts, befores, targets, strict=True):
            self._check_room(prompt, before)
            if not target:
                raise StageError(f"a prompt of role {prompt.role!r} has a target without tokens")
        input_ids, attention_mask = self._pad(
            [[*before, *target] for before, target in zip(befores, targets, strict=True)]
        )
        scored = max(map(len, targets))  # K
        options: dict[str, Any] = {"use_cache": False}
        if "logits_to_keep" in self.accepts:
            options["logits_to_keep"] = scored + 1  # the logits at position i foretell token i + 1
        if "position_ids" in self.accepts:
            options["position_ids"] = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)  # (B, L), padding not counted
        with memory_errors(len(prompts)):
            logits = self.model(input_ids=input_ids, attention_mask=attention_mask, **options).logits
            log_probabilities = logits[:, -scored - 1 : -1].float().log_softmax(dim=-1)  # (B, K, V)
            tokens = input_ids[:, -scored:, None]  # (B, K, 1)
            log_probabilities = log_probabilities.gather(2, tokens).squeeze(2).double().cpu()  # (B, K)
        replies = []
        for row, target in zip(log_probabilities, targets, strict=True):
            total = row[-len(target) :].sum().item()
            if not math.isfinite(total):
                raise not_finite()
            replies.append(Reply(text="", tokens=len(target), log_likelihood=total))
        return replies

    # --------------------------------------------------------------------------------------------------------- helpers

    def _pad(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of tokens -> left-padded ids and attention mask, each (B, L) int64 on the model's device."""
        largest = max(map(max, rows))
        if largest >= self.vocabulary:  # on a GPU the look-up would end the process
            raise StageError(f"the tokenizer's token {largest} is beyond the model's vocabulary of {self.vocabulary}")
        length = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        input_ids = torch.tensor([[pad] * (length - len(row)) + list(row) for row in rows])
        attention_mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows])
        return input_ids.to(self.loaded.device), attention_mask.to(self.loaded.device)

    def _check_room(self, prompt: Prompt, tokens: Sequence[int]) -> int:
        room = self.room(prompt, len(tokens))
        if room < 1:
            length = len(tokens) + len(self.encode_target(prompt))
            raise StageError(
                f"a prompt of role {prompt.role!r} has {length} tokens, the model's context {self.loaded.context}",
                "use a model with a longer context",
            )
        return room


@contextlib.contextmanager
def memory_errors(batch_size: int) -> Iterator[None]:
    """Turn running out of memory, on a GPU or the CPU, into a StageError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        cpu_ran_out = isinstance(error, MemoryError) or "can't allocate memory" in str(error)
        if not cpu_ran_out and not isinstance(error, torch.OutOfMemoryError):
            raise
        remedy = "lower --batch-size" if batch_size > 1 else "use a smaller model or a lower --max-tokens"
        raise StageError(f"a batch of {batch_size} ran out of memory", remedy) from error
