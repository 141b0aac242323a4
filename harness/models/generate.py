"""Ask a loaded model: batches of requests in, replies out.

Shape notation: B requests in a batch, L padded length of their prompts, K scored tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain, groupby
from typing import Any, NamedTuple

import torch

from harness.checkpoints.chat_template import freeze_clock
from harness.checkpoints.hub import one_line
from harness.contract import Chat, Prompt, Record, Reply
from harness.errors import StageError
from harness.models.choice_tree import score_trees
from harness.models.decoding.asks import Ask
from harness.models.decoding.decoder import Decoder
from harness.models.decoding.support import accepted
from harness.models.failures import memory_errors, not_finite
from harness.models.load import LoadedModel
from harness.models.padding import pad_left, passes
from harness.models.sampling import Sampling
from harness.models.scoring import score_choices, score_endings
from harness.models.stopping import cut_at_stop
from harness.planning.questions import is_turn, nameless, request_key

ENCODED = 8192  # texts whose tokens are kept


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
    choices: int  # scored after one text
    scored: bool  # log-likelihoods are wanted, nothing is generated
    fits: bool
    max_tokens: int
    stop: tuple[str, ...]


class Generator:
    """Asks one model. Nothing here draws from a global random state or depends on what was asked before."""

    def __init__(self, loaded: LoadedModel, chat: Chat = Chat()) -> None:  # noqa: B008  (frozen)
        self.loaded, self.chat = loaded, chat
        model: Any = loaded.model
        tokenizer: Any = loaded.tokenizer
        self.model, self.tokenizer = model, tokenizer
        freeze_clock(tokenizer, chat.template)
        self.vocabulary: int = model.get_input_embeddings().weight.shape[0]
        self.accepts = accepted(model)
        self._encoded = lru_cache(ENCODED)(self._encode)  # batching asks for a prompt's tokens, too
        self.decoder = Decoder(model, tokenizer, loaded.eos, self.accepts, loaded.alone)

    def as_lm(self, batch_size: int) -> tuple[Any, bool]:
        """(lm-eval's `LM` around this model, False: it takes text)."""
        from harness.lm_eval.library import HFLM

        size = 1 if self.loaded.alone else batch_size
        return HFLM(pretrained=self.model, tokenizer=self.tokenizer, batch_size=size), False

    # ------------------------------------------------------------------------------------------------- text to tokens

    def encode(self, prompt: Prompt) -> list[int]:
        """The tokens the model reads: one user turn of its chat template where it has one, else the plain text.

        An empty prompt whose continuation is scored gets no turn: that is a text of its own. Some token must come
        first: where the tokenizer adds none, the beginning- or else the end-of-text token does, as in lm-eval.
        """
        special = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id)
        return self._tokens(prompt) or [next(token for token in special if token is not None)]

    def encode_target(self, prompt: Prompt) -> list[int]:
        """The target's tokens as they continue the prompt's; [] without a target."""
        return self.encode_continuation(prompt, prompt.target or "")

    def encode_continuation(self, prompt: Prompt, continuation: str) -> list[int]:
        """The tokens of a target or choice as they continue the prompt's; [] for an empty one.

        Where a token would straddle the seam between the two, the continuation is tokenised by itself.
        """
        if not continuation:
            return []
        before, joined = self._tokens(prompt), self._tokens(prompt, continuation)
        if joined[: len(before)] == before:
            return joined[len(before) :]
        return self.tokenizer.encode(continuation, add_special_tokens=False)

    def _longest(self, prompt: Prompt) -> int:
        """Tokens of the longest continuation that is scored after the prompt."""
        return max((len(self.encode_continuation(prompt, text)) for text in prompt.continuations), default=0)

    def _tokens(self, prompt: Prompt, continuation: str = "") -> list[int]:
        return [*self._encoded(prompt.text, continuation, is_turn(prompt))]

    def _encode(self, text: str, continuation: str, turn: bool) -> list[int]:
        rendered = self._rendered(text) if turn else None
        if rendered is None:
            tokens: list[int] = self.tokenizer.encode(text + continuation)
        else:
            tokens = self.tokenizer.encode(rendered + continuation, add_special_tokens=False)
        if tokens and max(tokens) >= self.vocabulary:
            cause = f"the tokenizer of {self.loaded.folder} makes token {max(tokens)}, and the model knows {self.vocabulary}"
            raise StageError(cause, "they do not belong together: fetch both again")
        return tokens

    def _rendered(self, text: str) -> str | None:
        try:
            return self.chat.apply(self.tokenizer, text)
        except Exception as error:  # a template may raise anything
            cause = f"the chat template of {self.loaded.folder} does not take a prompt: {one_line(error)}"
            raise StageError(cause, "--chat-template or --system may help") from error

    def max_new_tokens(self, prompt: Prompt, length: int) -> int:
        """The most new tokens of a reply to this prompt of `length` tokens: `max_tokens`, or what the context leaves.

        The context's end is never silent: a reply that reaches it is `truncated`, and one that ends before is what it
        would have been anyway. A prompt that is scored needs room for its longest continuation and has 0 or 1.
        """
        context = self.loaded.context
        if prompt.scored:
            return 1 if context is None or length + self._longest(prompt) <= context else 0
        return prompt.max_tokens if context is None else min(prompt.max_tokens, context - length)

    # ------------------------------------------------------------------------------------------------------- batching

    def batches(self, requests: Iterable[Request], batch_size: int) -> list[list[Request]]:
        """Partition requests into batches that depend on nothing but the requests, the tokenizer and `batch_size`.

        A batch holds requests of one repeat and role with the same limits, ordered by encoded length, so that little is
        padded, then by item. A request that does not fit the context gets its own batch, so that it fails alone. One
        with choices counts as many times as it has choices, and at least one goes into a batch. Those that differ in
        nothing but item and role go together and count once, for `ask` scores them once.
        """
        if batch_size < 1:
            raise ValueError("batch_size must be at least 1")

        @cache
        def lengths(prompt: Prompt) -> tuple[bool, int]:
            length = len(self.encode(prompt))
            return self.max_new_tokens(prompt, length) > 0, length + self._longest(prompt)

        def place(request: Request) -> tuple[BatchKey, int, tuple[str, ...], str]:
            prompt = request.prompt
            fits, length = lengths(nameless(prompt))
            role, content = ("", (prompt.text, *prompt.choices)) if prompt.choices else (request.role, ())
            alike = BatchKey(
                request.repeat, role, len(prompt.choices), prompt.scored, fits, prompt.max_tokens, prompt.stop
            )
            return alike, length, content, request.item

        placed = sorted(((place(request), request) for request in requests), key=lambda pair: pair[0])
        batches: list[list[Request]] = []
        for alike, group in groupby(placed, key=lambda pair: pair[0][0]):
            members = [[request] for _, request in group]
            if alike.choices:
                same = groupby(chain.from_iterable(members), key=lambda request: nameless(request.prompt))
                members = [list(copies) for _, copies in same]
            size = max(1, batch_size // max(1, alike.choices)) if alike.fits else 1
            for start in range(0, len(members), size):
                batches.append(list(chain.from_iterable(members[start : start + size])))
        return batches

    # --------------------------------------------------------------------------------------------------------- asking

    def ask(self, batch: Sequence[Request], seed: int, suite: str, sampling: Sampling) -> list[Reply]:
        """Replies to a batch of `batches`, in its order: generated text, or log-likelihoods of targets or choices.

        Choices that several requests share are scored once.
        """
        prompts = [request.prompt for request in batch]
        if prompts[0].choices:
            distinct = {nameless(prompt): prompt for prompt in prompts}
            scored = dict(zip(distinct, self.choose(list(distinct.values())), strict=True))
            return [scored[nameless(prompt)] for prompt in prompts]
        if prompts[0].target is not None:
            return self.log_likelihood(prompts)
        return self.generate(prompts, [request.key(seed, suite) for request in batch], sampling)

    def generate(self, prompts: Sequence[Prompt], keys: Sequence[int], sampling: Sampling) -> list[Reply]:
        """One reply per prompt, sampled with the noise of its request key, all in one batch.

        Raises StageError if a prompt does not fit the context, memory runs out, or the model's logits are not finite.
        """
        asks = [self.ask_for(prompt, key) for prompt, key in zip(prompts, keys, strict=True)]
        replies: dict[int, Reply] = {}
        for step in self.decoder.decode(asks, sampling, len(asks)):
            for number, tokens in step.ended:
                if tokens is None:
                    raise not_finite()
                replies[number] = self.reply_of(asks[number], tokens)
        return [replies[number] for number in range(len(asks))]

    def ask_for(self, prompt: Prompt, key: int) -> Ask:
        """A prompt as decoding wants it. Raises StageError if it does not fit the context or the model's vocabulary."""
        tokens = self.encode(prompt)
        limit = self._check_max_new_tokens(prompt, tokens)
        self._check_vocabulary([tokens])
        return Ask(tokens, key, limit, prompt.stop)

    def reply_of(self, ask: Ask, tokens: list[int]) -> Reply:
        """What the new tokens say, up to a stop string."""
        text = self.tokenizer.decode(tokens, skip_special_tokens=True)
        shown = cut_at_stop(text, ask.stop)
        ended = tokens[-1] in self.loaded.eos or shown != text
        return Reply(text=shown, tokens=len(tokens), truncated=not ended and len(tokens) >= ask.limit)

    @torch.inference_mode()
    def log_likelihood(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """The log-likelihood of each prompt's target after its text, in nats summed over the target's tokens.

        Raises StageError if prompt and target do not fit the context, memory runs out, or the result is not finite.
        """
        if self.loaded.alone and len(prompts) > 1:
            return [reply for prompt in prompts for reply in self.log_likelihood([prompt])]
        befores = [self.encode(prompt) for prompt in prompts]
        targets = [self.encode_target(prompt) for prompt in prompts]
        for prompt, before, target in zip(prompts, befores, targets, strict=True):
            self._check_max_new_tokens(prompt, before)
            if not target:
                raise StageError(f"a prompt of role {prompt.role!r} has a target without tokens")
        rows = [[*before, *target] for before, target in zip(befores, targets, strict=True)]
        ends = [len(target) for target in targets]
        totals: list[float] = []
        with memory_errors(len(prompts)):
            for part in passes([len(row) for row in rows], self.loaded.device):
                totals += score_endings(self.model, self.accepts, *self._pad(rows[part]), ends[part])
        if not all(map(math.isfinite, totals)):
            raise not_finite()
        return [
            Reply(text="", tokens=len(own), log_likelihood=total) for own, total in zip(targets, totals, strict=True)
        ]

    @torch.inference_mode()
    def choose(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """The log-likelihood of each of a prompt's choices after its text, in nats; each text is read once.

        Where the model's memory of a text cannot be shared, every choice is scored as a target. Raises StageError as
        `log_likelihood` does.
        """
        befores = [self.encode(prompt) for prompt in prompts]
        choices = [[self.encode_continuation(prompt, text) for text in prompt.choices] for prompt in prompts]
        for prompt, before, own in zip(prompts, befores, choices, strict=True):
            self._check_max_new_tokens(prompt, before)
            if not all(own):
                raise StageError(f"a prompt of role {prompt.role!r} has a choice without tokens")
        self._check_vocabulary(chain(befores, *choices))
        with memory_errors(sum(map(len, choices))):
            scored = self._scored_choices(befores, choices)
        if scored is None:
            scored = [self._one_by_one(prompt) for prompt in prompts]
        if not all(map(math.isfinite, chain.from_iterable(scored))):
            raise not_finite()
        return [
            Reply(text="", tokens=sum(map(len, own)), choice_log_likelihoods=tuple(values))
            for own, values in zip(choices, scored, strict=True)
        ]

    def _scored_choices(
        self, befores: Sequence[list[int]], choices: Sequence[list[list[int]]]
    ) -> list[list[float]] | None:
        if self.loaded.alone:  # a text and its choices are no more one batch than texts are
            return None
        if self.decoder.by_batch is None:
            return score_trees(self.model, befores, choices, self.loaded.device)
        return score_choices(self.model, self.accepts, *self._pad(befores), choices)

    def _one_by_one(self, prompt: Prompt) -> list[float]:
        asked = [prompt.model_copy(update={"choices": (), "target": choice}) for choice in prompt.choices]
        return [reply.log_likelihood or 0.0 for reply in self.log_likelihood(asked)]

    # --------------------------------------------------------------------------------------------------------- helpers

    def _check_vocabulary(self, rows: Iterable[Sequence[int]]) -> None:
        largest = max(map(max, rows))
        if largest >= self.vocabulary:  # on a GPU the look-up would abort the process
            raise StageError(f"the tokenizer's token {largest} is beyond the model's vocabulary of {self.vocabulary}")

    def _pad(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of tokens -> left-padded ids and attention mask, each (B, L)."""
        self._check_vocabulary(rows)
        return pad_left(rows, self.tokenizer.pad_token_id, self.loaded.device)

    def _check_max_new_tokens(self, prompt: Prompt, tokens: Sequence[int]) -> int:
        room = self.max_new_tokens(prompt, len(tokens))
        if room < 1:
            length = len(tokens) + self._longest(prompt)
            raise StageError(
                f"a prompt of role {prompt.role!r} has {length} tokens, the model's context {self.loaded.context}",
                "use a model with a longer context",
            )
        return room
