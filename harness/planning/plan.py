"""Experiment -> plan: the cross product as cells whose stages have content-addressed keys, and the contrasts between them.

A key is the hash of everything a stage's result depends on: code, parameters, input, dtype, device kind. Equal keys are the
same work, done once. Sampling is keyed by the prompts themselves, not by the suite's code, so a mended grader keeps samples.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

from harness.contract import AgainstSource, ModelShape, OwnLoop
from harness.errors import UsageError
from harness.lm_eval.backends.locate import refuse_unsupported
from harness.planning.cells import Cell, Plan, Settings
from harness.planning.chat import chat_for
from harness.planning.contrasts import contrasts_between
from harness.planning.devices import refuse_missing_device, resolve_device, resolve_dtype
from harness.planning.experiment import Experiment
from harness.planning.isolation import refuse_sandbox
from harness.planning.keys import make_cell
from harness.planning.questions import count_questions
from harness.planning.readings import without_likelihood
from harness.planning.selection import Selection
from harness.planning.sizes import CompressionSize, parts_of, size_of
from harness.planning.training import refuse_trained_questions, trained_on
from harness.registry.catalogue import Catalogue
from harness.registry.sources import model_shape


def make_plan(experiment: Experiment, catalogue: Catalogue, say: Callable[[str], None] = lambda what: None) -> Plan:
    """Resolve every name, hash every input, and lay out the cells. Imports neither torch nor transformers. `say` is
    told what is being read, because a task's data set can take a while."""
    if not experiment.tasks:
        raise UsageError("no tasks selected", "add --tasks, e.g. --tasks goodhart7; `harness list tasks` names them")
    catalogue = catalogue.with_presets(experiment.presets, "experiment file")
    chosen = Selection(experiment, catalogue)
    if experiment.backend is None:  # a backend has devices of its own
        refuse_missing_device(experiment.device)
    device = resolve_device(experiment.device)
    settings = Settings(
        runs=experiment.runs,
        temperature=experiment.temperature,
        top_p=experiment.top_p,
        max_tokens=experiment.max_tokens,
        limit=experiment.limit,
        batch_size=experiment.batch_size,
        device=device,
        dtype=resolve_dtype(experiment.dtype, device),
    )
    cells: list[Cell] = []
    sizes: dict[str, CompressionSize] = {}
    shapes: dict[str, ModelShape] = {}
    for label, name in chosen.suite_models:
        say(f"{label} for {name}")
        suite, model = chosen.suite(label, name), chosen.locate(name)
        chosen.refuse_calibration_on_questions(suite, model)
        refuse_sandbox(suite, label, catalogue, accepted=experiment.accept_weak_isolation)
        asker = chosen.suite_of(suite)
        if chosen.backend:
            instead = partial(without_likelihood, suite, catalogue)
            refuse_unsupported(chosen.backend, asker, label, chosen.trainers, chosen.compressors, instead)
        chosen.refuse_deciding_items(asker, label, experiment.limit)
        trains_on = trained_on(chosen, model, settings)
        if trains_on is None:
            chosen.refuse_untrainable(asker, label)
        else:
            refuse_trained_questions(chosen, trains_on, asker, label, experiment.limit)
        repeats = not isinstance(asker, OwnLoop | AgainstSource)  # these answer the same however often they are asked
        once = settings if repeats else settings.model_copy(update={"runs": 1})
        questions = count_questions(asker, once)
        chat, notes = chat_for(experiment, model, label, questions)
        once = once.model_copy(update={"chat": chat})
        for trainer, compressor, seed in itertools.product(chosen.trainers, chosen.compressors, experiment.seeds):
            monitor = chosen.monitor(trainer)
            cell = make_cell(
                model, trainer, monitor, compressor, suite, seed, chosen.detectors, once, questions, trains_on
            )
            parts = parts_of(compressor, cell.trained_key or model.digest, catalogue)
            cells.append(cell.model_copy(update={"notes": notes, "parts": parts}))
            if cell.compressed_key and cell.compressed_key not in sizes:
                shape = shapes.setdefault(model.digest, model_shape(model))
                sizes[cell.compressed_key] = size_of(compressor, shape, catalogue)
    return Plan(experiment=experiment, cells=tuple(cells), contrasts=tuple(contrasts_between(cells)), sizes=sizes)
