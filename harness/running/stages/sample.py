"""Ask a model every prompt of a suite. Each reply is stored when it ends: a kill loses at most those under way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.contract import OwnLoop, Reply, TaskSuite
from harness.errors import StageError, Unreachable
from harness.planning.questions import limited, selected_items
from harness.running.stages.quoting import Question, QuestionKey, filled, waves
from harness.store.run import CellStore, Decoding, SampleRow, finite

if TYPE_CHECKING:
    from harness.lm_eval.backends.model import BackendModel
    from harness.models.generate import Generator
    from harness.planning.cells import Cell, Settings


class Progress(Protocol):
    """Told how far a stage is; also the worker's sign of life."""

    def __call__(self, stage: str, done: int, total: int, tokens: int = 0) -> None:
        """`tokens`: generated so far, where a stage generates."""


def silent(stage: str, done: int, total: int, tokens: int = 0) -> None:
    """Progress that nobody watches."""


class ModelCache:
    """The one model that is in memory. Another one replaces it, or, where both are artefacts of one model, what differs."""

    def __init__(self) -> None:
        self._key: tuple | None = None
        self._generator: Generator | None = None

    def get(self, folder: Path, settings: Settings) -> Generator:
        from harness.models.generate import Generator
        from harness.models.load import load
        from harness.models.swap import swapped

        key = (str(folder), settings.device, settings.dtype, settings.chat)
        if self._generator is None or self._key != key:
            former = self._generator.loaded if self._generator and self._key and self._key[1:] == key[1:] else None
            self._generator = None  # free the old one first
            loaded = swapped(former, folder) if former else None
            former = None
            loaded = loaded or load(folder, settings.device, settings.dtype, frozen=True)
            self._generator, self._key = Generator(loaded, settings.chat), key
        return self._generator


def questions(cell: Cell, suite: TaskSuite) -> list[Question]:
    """Everything the cell asks, by (item, role, repeat)."""
    return [
        ((item.id, prompt.role, repeat), limited(prompt, cell.settings.max_tokens))
        for item in selected_items(suite, cell.settings.limit)
        for prompt in suite.prompts(item)
        for repeat in range(cell.settings.runs)
    ]


def missing_samples(cell: Cell, suite: TaskSuite, store: CellStore) -> bool:
    """Whether a question of the plan has no reply yet. An errored one counts as missing: it is asked again."""
    answered = {(row.item, row.role, row.repeat) for row in store.samples() if row.reply is not None}
    return any(asked not in answered for asked, _ in questions(cell, suite))


def sample(
    cell: Cell,
    suite: TaskSuite,
    asked: Sequence[Question],
    folder: Path,
    store: CellStore,
    models: ModelCache,
    stored: Callable[[Sequence[SampleRow]], None],
    progress: Progress,
) -> None:
    """Ask what has no reply yet; an answer that fails becomes a row with the error.

    Where sums are rounded alike whatever the batch (float32 on a CPU), a resumed run equals an undisturbed one. Elsewhere
    it is close to one, and the replies that a later sitting brought are counted. `stored` is given what is in the store.
    """
    from harness.models.generate import Request
    from harness.models.sampling import Sampling
    from harness.models.stream import stream

    settings = cell.settings
    generator = models.get(folder, settings)
    sampling = Sampling(temperature=settings.temperature, top_p=settings.top_p)
    write_prompts(store, asked)
    before = store.samples()
    kept = {(row.item, row.role, row.repeat): row for row in before if row.reply is not None}
    store.replace_samples(kept.values())
    sitting = 1 + max((row.sitting for row in before), default=-1)
    generated = any(name not in kept and not prompt.scored for name, prompt in asked)
    if generator.loaded.alone:
        store.set_decoding(Decoding(alone=generator.loaded.alone))
    elif generated:
        store.set_decoding(Decoding(by_batch=generator.decoder.by_batch))
    answered, tokens, failures = len(kept), 0, Counter[str]()
    progress("sample", answered, len(asked))

    def keep(rows: Sequence[SampleRow], new_tokens: int = 0) -> None:
        nonlocal answered, tokens
        if rows:
            store.append(rows)
            stored(rows)
        kept.update({(row.item, row.role, row.repeat): row for row in rows})
        answered, tokens = answered + len(rows), tokens + new_tokens
        failures.update(row.error for row in rows if row.error)
        progress("sample", answered, len(asked), tokens)

    for wave in waves(asked):
        ready, failed = filled(suite, suite.items, [question for question in wave if question[0] not in kept], kept)
        keep(failed)
        requests = [Request(item=item, repeat=repeat, prompt=prompt) for (item, _, repeat), prompt in ready]
        for lot in stream(generator, requests, cell.seed, cell.suite.preset, sampling, settings.batch_size):
            answers = [
                _row((asked_for.item, asked_for.role, asked_for.repeat), 0, reply, error, seconds, sitting)
                for asked_for, reply, error, seconds in lot.answers
            ]
            keep(answers, lot.tokens)
    if failures.total() == len(asked):
        raise StageError(f"all {len(asked)} questions failed: {next(iter(failures))}")


def write_prompts(store: CellStore, asked: Sequence[Question]) -> None:
    """Keep the text of what is asked with the cell; repeats ask the same."""
    store.set_prompts((item, role, prompt.text) for (item, role, repeat), prompt in asked if repeat == 0)


def sample_with_library(
    cell: Cell,
    suite: OwnLoop,
    asked: Sequence[Question],
    generator: Generator | BackendModel,
    store: CellStore,
    progress: Progress,
) -> None:
    """The suite's library asks what has no reply yet. Its answers are the same for every repeat, so there is one."""
    done = [row for row in store.samples() if row.reply is not None]
    store.replace_samples(done)
    answered = {row.item for row in done}
    write_prompts(store, asked)
    roles = {item: role for (item, role, _), _ in asked}
    todo = [item for item in roles if item not in answered]
    batch = max((row.batch for row in done), default=-1) + 1
    progress("sample", len(answered), len(roles))
    started = time.perf_counter()
    for replies in suite.ask(generator, todo, cell.settings.batch_size):
        seconds = round(time.perf_counter() - started, 4)
        store.append(_row((item, roles[item], 0), batch, reply, None, seconds) for item, reply in replies.items())
        answered |= replies.keys()
        batch, started = batch + 1, time.perf_counter()
        progress("sample", len(answered), len(roles))


def rows_of(names: Sequence[QuestionKey], number: int, ask: Callable[[], Sequence[Reply]]) -> list[SampleRow]:
    """Batch `number` as rows: its replies, or for every question why there is none (a prompt beyond the context, a
    batch beyond the memory, logits that are not finite, a server that refuses it)."""
    started = time.perf_counter()
    replies: Sequence[Reply | None] = [None] * len(names)
    cause = None
    try:
        replies = ask()
    except Unreachable:
        raise
    except StageError as error:
        cause = str(error)
    seconds = round(time.perf_counter() - started, 4)
    return [_row(name, number, reply, cause, seconds) for name, reply in zip(names, replies, strict=True)]


def _row(
    name: QuestionKey, batch: int, reply: Reply | None, cause: str | None, seconds: float, sitting: int = 0
) -> SampleRow:
    item, role, repeat = name
    if reply is not None and not finite(reply.model_dump()):
        reply, cause = None, "a likelihood is not finite"
    return SampleRow(
        item=item,
        role=role,
        repeat=repeat,
        batch=batch,
        sitting=sitting,
        reply=reply,
        error=cause,
        seconds=seconds,
    )
