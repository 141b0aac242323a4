"""Ask two models the same texts: the untouched one, whose answers are kept for all cells, and the cell's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract import Prompt, Reply
from harness.errors import StageError
from harness.running.stages.quoting import Question
from harness.running.stages.sample import ModelCache, Progress, rows_of, write_prompts
from harness.store.cache import mark_used
from harness.store.code import arithmetic_versions
from harness.store.files import make_folder
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import source_logits_file
from harness.store.run import CellStore, SampleRow

if TYPE_CHECKING:
    from harness.models.fidelity import SourceLogits
    from harness.models.generate import Generator
    from harness.planning.cells import Cell


def sample_against_source(
    cell: Cell,
    asked: Sequence[Question],
    folder: Path,
    store: CellStore,
    models: ModelCache,
    stored: Callable[[Sequence[SampleRow]], None],
    progress: Progress,
) -> None:
    """Compare what has no reply yet, text by text; each is in the store as soon as it is compared."""
    from harness.models.fidelity import SourceLogits

    kept = [row for row in store.samples() if row.reply is not None]
    store.replace_samples(kept)
    write_prompts(store, asked)
    done = {(row.item, row.role, row.repeat) for row in kept}
    file = _source(cell, [prompt for _, prompt in asked], models, progress)
    generator = models.get(folder, cell.settings)
    source = SourceLogits(file, generator.loaded.device, generator.loaded.dtype)
    failed = 0
    for number, (name, prompt) in enumerate(asked):
        progress("sample", number, len(asked))
        if name in done:
            continue
        rows = rows_of([name], number, partial(_replies, generator, source, number, prompt))
        store.append(rows)
        failed += sum(row.error is not None for row in rows)
        stored(rows)
    progress("sample", len(asked), len(asked))
    if failed == len(asked):
        raise StageError(f"all {failed} texts failed: {rows[-1].error}")


def _replies(generator: Generator, source: SourceLogits, number: int, prompt: Prompt) -> list[Reply]:
    from harness.models.fidelity import compare, foretell

    text = foretell(generator, prompt)
    found = compare(source.logits(number), text)
    return [Reply(text="", tokens=len(found.kl), log_likelihood=sum(found.model), fidelity=found)]


def _source(cell: Cell, prompts: Sequence[Prompt], models: ModelCache, progress: Progress) -> Path:
    """The file with what the untouched model foretells of these texts, made once."""
    settings = cell.settings
    file = source_logits_file(
        key_of(
            {
                "source": cell.model.digest,
                "texts": cell.questions,
                "chat": settings.chat.model_dump(mode="json"),
                "device": settings.device.partition(":")[0],
                "dtype": settings.dtype,
                "libraries": dict(arithmetic_versions()),
            }
        )
    )
    with exclusive_lock(file):
        if not file.is_file():
            from harness.models.fidelity import keep

            make_folder(file.parent)
            partial = file.with_suffix(".partial")
            keep(models.get(Path(cell.model.path), settings), prompts, partial, progress)
            partial.replace(file)
    mark_used(file)
    return file
