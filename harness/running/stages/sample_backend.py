"""Sample a cell through a backend. Each answer is stored at once; a resumed run asks only the rest.

Over HTTP each reply is stored as it comes. In this process questions go in chunks, a fixed partition of the plan's, and an
unfinished chunk is asked again whole: its replies may depend on each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract import OwnLoop, Reply, TaskSuite
from harness.errors import StageError
from harness.lm_eval.backends.concurrency import run_concurrently
from harness.lm_eval.backends.model import BackendModel
from harness.planning.questions import request_key
from harness.registry.backend import NOTES, BackendNotes
from harness.running.stages.quoting import Question, QuestionKey, filled, waves
from harness.running.stages.sample import Progress, rows_of, sample_with_library, write_prompts
from harness.store.files import write_json
from harness.store.run import CellStore, Decoding, SampleRow, stored_record

if TYPE_CHECKING:
    from harness.planning.cells import Cell

FAILURES_IN_A_ROW = 5  # after which the rest would most likely fail too


class BackendCache:
    """The one backend that is open. Another one replaces it."""

    def __init__(self) -> None:
        self._key: tuple | None = None
        self._model: BackendModel | None = None
        self._alone: str | None = None

    def get(self, cell: Cell, folder: Path | None, own_loop: bool) -> BackendModel:
        backend, settings = cell.model.backend, cell.settings
        assert backend is not None
        place = (folder, settings.device, settings.dtype, settings.batch_size, own_loop)
        key = (backend.model_dump_json(), *place, settings.chat)
        if self._model is None or self._key != key:
            self._model = None  # free the old one first
            self._model, self._key = BackendModel(backend, *place, settings.chat), key
            if self._model.info.packed and (reason := _batch_dependence(self._model)):
                self._model.ask_one_at_a_time()
                self._alone = reason
            else:
                self._alone = None
        return self._model

    @property
    def decoding(self) -> Decoding:
        return Decoding(alone=self._alone)


def _batch_dependence(model: BackendModel) -> str:
    """Of a backend that holds the model in this process, as `hf` does: why it is asked one prompt at a time, or ""."""
    from harness.models.batch_probe import batch_dependence
    from harness.models.load import quiet_transformers

    with quiet_transformers():
        return batch_dependence(model.lm.model, model.lm.max_length, model.lm.tokenizer.pad_token_id)


def sample_through(
    cell: Cell,
    suite: TaskSuite,
    asked: Sequence[Question],
    folder: Path | None,
    store: CellStore,
    backends: BackendCache,
    stored: Callable[[Sequence[SampleRow]], None],
    progress: Progress,
) -> None:
    """Ask what is missing. A question that fails becomes a row with the error and the others go on; when no question
    can be asked any more, the cell ends with that error and keeps the replies it has."""
    model = backends.get(cell, folder, own_loop=isinstance(suite, OwnLoop))
    notes = _Notes(model, store)
    store.set_decoding(backends.decoding)
    if isinstance(suite, OwnLoop):
        with model.errors():
            sample_with_library(cell, suite, asked, model, store, progress)
    else:
        write_prompts(store, asked)
        model.check_sampling(cell.settings.temperature)
        for wave in waves(asked):
            rows = {(row.item, row.role, row.repeat): row for row in store.samples()}
            ready, failed = filled(suite, suite.items, wave, rows)
            store.append(failed)
            stored(failed)
            if ready:
                _ask_all(model, cell, ready, store, notes, stored, progress)


def _ask_all(
    model: BackendModel,
    cell: Cell,
    asked: Sequence[Question],
    store: CellStore,
    notes: _Notes,
    stored: Callable[[Sequence[SampleRow]], None],
    progress: Progress,
) -> None:
    copies = shared(asked, cell.settings.temperature)
    chunks = partition([question for question in asked if question[0] in copies], model.at_once)
    answered = {(row.item, row.role, row.repeat): row for row in store.samples() if row.reply is not None}
    names = [[name for first, _ in chunk for name in copies[first]] for chunk in chunks]
    todo = [n for n, of_chunk in enumerate(names) if not all(name in answered for name in of_chunk)]
    again = {name for n in todo for name in names[n]}
    store.replace_samples(row for name, row in answered.items() if name not in again)
    done, failed, in_a_row = len(asked) - len(again), 0, 0
    progress("sample", done, len(asked))
    with contextlib.closing(_replies(model, cell, [(n, chunks[n]) for n in todo])) as replies:
        for asked_once, answered_by in replies:
            notes.add(answered_by)
            rows = [row for one in asked_once for row in _copied(one, copies)]
            store.append(rows)
            stored(rows)
            done += len(rows)
            failed += sum(row.error is not None for row in rows)
            in_a_row = in_a_row + 1 if rows[-1].error else 0
            progress("sample", done, len(asked))
            if in_a_row >= FAILURES_IN_A_ROW and failed < len(asked):
                raise StageError(f"{in_a_row} questions in a row failed, the last: {rows[-1].error}")
    if failed == len(asked):
        raise StageError(f"all {failed} questions failed: {rows[-1].error}")


def shared(asked: Sequence[Question], temperature: float) -> dict[QuestionKey, list[QuestionKey]]:
    """The questions that are asked, each with all that its reply answers: what items share, such as the letters of a matched
    set, is asked once where nothing is drawn. Scored texts are, within a chunk, wherever they stand."""
    first: dict[tuple, QuestionKey] = {}
    copies: dict[QuestionKey, list[QuestionKey]] = {}
    for name, prompt in asked:
        drawn = temperature > 0 or prompt.scored
        same = (name[2], prompt.model_copy(update={"role": ""}))
        copies.setdefault(first.setdefault(name if drawn else same, name), []).append(name)
    return copies


def _copied(row: SampleRow, copies: Mapping[QuestionKey, Sequence[QuestionKey]]) -> list[SampleRow]:
    """The reply for each of the questions that it answers."""
    names = copies[row.item, row.role, row.repeat]
    return [row.model_copy(update={"item": item, "role": role, "repeat": repeat}) for item, role, repeat in names]


def partition(asked: Sequence[Question], size: int) -> list[list[Question]]:
    """Chunks of one repeat, role and limit, the longest prompts first, as lm-eval sorts them. A repeat's chunks do not
    depend on the number of repeats. Equal texts with choices stand together, for within a chunk they are scored once."""

    def alike(question: Question) -> tuple:
        (_, role, repeat), prompt = question
        return repeat, "" if prompt.choices else role, prompt.scored, prompt.max_tokens, prompt.stop

    def place(question: Question) -> tuple:
        name, prompt = question
        return *alike(question), -len(prompt.text), prompt.text if prompt.choices else "", name

    placed = sorted(asked, key=place)
    chunks: list[list[Question]] = []
    for _, group in groupby(placed, key=alike):
        members = list(group)
        chunks += [members[start : start + size] for start in range(0, len(members), size)]
    return chunks


# ------------------------------------------------------------------------------------------------------------- asking


def _replies(
    model: BackendModel, cell: Cell, todo: Sequence[tuple[int, list[Question]]]
) -> Generator[tuple[list[SampleRow], str], None, None]:
    """The rows of each chunk and what the server calls the model that answered, "" where it does not say, in the order
    in which chunks are answered. Raises Unreachable."""

    def ask(number: int, chunk: list[Question]) -> tuple[list[SampleRow], str]:
        rows = rows_of([name for name, _ in chunk], number, partial(_ask, model, cell, chunk))
        return rows, model.recorder.last().model if model.recorder is not None and rows[0].error is None else ""

    return run_concurrently([partial(ask, number, chunk) for number, chunk in todo], model.concurrent)


def _ask(model: BackendModel, cell: Cell, chunk: list[Question]) -> list[Reply]:
    settings = cell.settings
    prompts = [prompt for _, prompt in chunk]
    keys = [request_key(cell.seed, cell.suite.preset, *name) for name, _ in chunk]
    with _seeded(keys[0], settings.temperature > 0 and model.info.packed):
        return model.ask(prompts, keys, settings.temperature, settings.top_p)


@contextlib.contextmanager
def _seeded(seed: int, wanted: bool) -> Iterator[None]:
    """Seed torch's global generator, which backends in this process draw from, so that a chunk's replies are
    reproducible."""
    if not wanted:
        yield
        return
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


# -------------------------------------------------------------------------------------------------------------- notes


class _Notes:
    """What a reader of the report must know of who answered, in NOTES beside the samples and there before they are."""

    def __init__(self, model: BackendModel, store: CellStore) -> None:
        self.path = store.folder / NOTES
        self.known = stored_record(self.path, BackendNotes).answered_by if self.path.exists() else ()
        self.model = model
        self._write()

    def add(self, answered_by: str) -> None:
        if answered_by and answered_by not in self.known:
            self.known = tuple(sorted([*self.known, answered_by]))
            self._write()

    def _write(self) -> None:
        notes = BackendNotes(
            backend=self.model.backend.identity,
            says_truncated=self.model.recorder is not None,
            templated=self.model.templated,
            answered_by=self.known,
        )
        write_json(self.path, notes.model_dump(mode="json", exclude={"same_in_all_repeats"}))
