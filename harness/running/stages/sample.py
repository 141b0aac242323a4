"""Ask a model every prompt of a suite, batch by batch, into the store. A killed run redoes at most one batch."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract import OwnLoop, Prompt, Reply, TaskSuite
from harness.errors import StageError, Unreachable
from harness.planning.questions import limited, selected_items
from harness.store.run import CellStore, SampleRow, finite

if TYPE_CHECKING:
    from harness.lm_eval.backends.model import BackendModel
    from harness.models.generate import Generator, Request
    from harness.planning.cells import Cell, Settings

QuestionKey = tuple[str, str, int]  # item, role, repeat
Question = tuple[QuestionKey, Prompt]


class ModelCache:
    """The one model that is in memory. Another one replaces it."""

    def __init__(self) -> None:
        self._key: tuple | None = None
        self._generator: Generator | None = None

    def get(self, folder: Path, settings: Settings) -> Generator:
        from harness.models.generate import Generator
        from harness.models.load import load

        key = (str(folder), settings.device, settings.dtype, settings.chat)
        if self._generator is None or self._key != key:
            self._generator = None  # free the old one first
            self._generator, self._key = Generator(load(folder, settings.device, settings.dtype), settings.chat), key
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
    asked: Sequence[Question],
    folder: Path,
    store: CellStore,
    models: ModelCache,
    stored: Callable[[Sequence[SampleRow]], None],
    progress: Callable[[str, int, int], None],
) -> None:
    """Ask what is missing. Batches are a fixed partition of the plan's questions, and an unfinished one is redone whole,
    so that a resumed run is identical in any dtype. A batch that fails becomes rows with the error; the others go on.
    `stored` is given each batch once it is in the store.
    """
    from harness.models.generate import Request
    from harness.models.sampling import Sampling

    settings = cell.settings
    generator = models.get(folder, settings)
    sampling = Sampling(temperature=settings.temperature, top_p=settings.top_p)
    write_prompts(store, asked)
    requests = [Request(item=item, repeat=repeat, prompt=prompt) for (item, _, repeat), prompt in asked]
    batches = generator.batches(requests, settings.batch_size)
    kept = _finished(store.samples(), batches)
    store.replace_samples(kept)
    done = {row.batch for row in kept}
    answered = len(kept)
    failed = 0
    for number, batch in enumerate(batches):
        progress("sample", answered, len(requests))
        if number in done:
            continue
        names = [(request.item, request.role, request.repeat) for request in batch]
        rows = rows_of(names, number, partial(generator.ask, batch, cell.seed, cell.suite.preset, sampling))
        store.append(rows)
        answered += len(rows)
        failed += sum(row.error is not None for row in rows)
        stored(rows)
    progress("sample", answered, len(requests))
    if failed == len(requests):
        raise StageError(f"all {failed} questions failed: {rows[-1].error}")


def write_prompts(store: CellStore, asked: Sequence[Question]) -> None:
    """Keep the text of what is asked with the cell; repeats ask the same."""
    store.set_prompts((item, role, prompt.text) for (item, role, repeat), prompt in asked if repeat == 0)


def sample_with_library(
    cell: Cell,
    suite: OwnLoop,
    asked: Sequence[Question],
    generator: Generator | BackendModel,
    store: CellStore,
    progress: Callable[[str, int, int], None],
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


def _row(name: QuestionKey, batch: int, reply: Reply | None, cause: str | None, seconds: float) -> SampleRow:
    item, role, repeat = name
    if reply is not None and not finite(reply.model_dump()):
        reply, cause = None, "a likelihood is not finite"
    return SampleRow(item=item, role=role, repeat=repeat, batch=batch, reply=reply, error=cause, seconds=seconds)


def _finished(rows: Sequence[SampleRow], batches: Sequence[Sequence[Request]]) -> list[SampleRow]:
    """The rows of batches that are complete and without error."""
    good = Counter(row.batch for row in rows if row.reply is not None)
    whole = {number for number, batch in enumerate(batches) if good[number] == len(batch)}
    return [row for row in rows if row.batch in whole and row.reply is not None]
