"""Answers to many requests as they come: replies one by one as they end, likelihoods batch by batch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.contract import Reply
from harness.errors import StageError
from harness.models.decoding.asks import Ask
from harness.models.failures import not_finite
from harness.models.generate import Generator, Request
from harness.models.sampling import Sampling


class Answer(NamedTuple):
    """A reply, or why there is none."""

    request: Request
    reply: Reply | None
    error: str | None
    seconds: float  # since the first request of its kind was asked


class Lot(NamedTuple):
    """What came at once, maybe nothing but progress."""

    answers: list[Answer]
    tokens: int  # new ones since the lot before


def stream(
    generator: Generator, requests: Sequence[Request], seed: int, suite: str, sampling: Sampling, batch_size: int
) -> Iterator[Lot]:
    """An answer to each request, `batch_size` of them under way at a time. What fails is an answer too."""
    scored = [request for request in requests if request.prompt.scored]
    for batch in generator.batches(scored, batch_size):
        yield _scored(generator, batch, seed, suite, sampling)
    yield from _generated(generator, [r for r in requests if not r.prompt.scored], seed, suite, sampling, batch_size)


def _scored(generator: Generator, batch: list[Request], seed: int, suite: str, sampling: Sampling) -> Lot:
    started = time.perf_counter()
    replies: Sequence[Reply | None] = [None] * len(batch)
    cause = None
    try:
        replies = generator.ask(batch, seed, suite, sampling)
    except StageError as error:
        cause = str(error)
    seconds = _since(started)
    answers = [Answer(request, reply, cause, seconds) for request, reply in zip(batch, replies, strict=True)]
    return Lot(answers, sum(reply.tokens for reply in replies if reply))


def _generated(
    generator: Generator, requests: Sequence[Request], seed: int, suite: str, sampling: Sampling, batch_size: int
) -> Iterator[Lot]:
    started = time.perf_counter()
    unasked: list[Answer] = []
    asks: list[Ask] = []
    asked: list[Request] = []
    for request in requests:
        try:
            asks.append(generator.ask_for(request.prompt, request.key(seed, suite)))
            asked.append(request)
        except StageError as error:  # a prompt beyond the context fails alone
            unasked.append(Answer(request, None, str(error), 0.0))
    yield Lot(unasked, 0)
    waiting = dict(enumerate(asked))
    try:
        for step in generator.decoder.decode(asks, sampling, batch_size):
            answers = []
            for number, tokens in step.ended:
                reply = None if tokens is None else generator.reply_of(asks[number], tokens)
                cause = None if reply else str(not_finite())
                answers.append(Answer(waiting.pop(number), reply, cause, _since(started)))
            yield Lot(answers, step.tokens)
    except StageError as error:
        yield Lot([Answer(request, None, str(error), _since(started)) for request in waiting.values()], 0)


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 4)
