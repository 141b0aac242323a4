"""The frame of a run: what its cells have in common, so that they can be compared. A run folder belongs to one frame; arms,
seeds, repeats and detectors are added inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import UsageError
from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.store.run import RunStore

OPTIONS = (
    "temperature", "top_p", "max_tokens", "limit", "batch_size", "device", "dtype", "chat_template", "template_args",
    "system", "backend", "backend_args",
)  # fmt: skip
WHERE = frozenset({"sandbox", "data", "include_path"})  # parameters of suites that say where something is
LONGEST = 40  # characters of a value in a message


def refuse_other_frame(plan: Plan, store: RunStore, catalogue: Catalogue) -> None:
    """Raises UsageError if the folder holds a run of another frame, naming what differs. A stored plan that cannot be
    read is none: whoever writes the new one says so."""
    if not store.plan_path.is_file():
        return
    try:
        stored = Plan.of(store)
    except UsageError:
        return
    if difference := next(_differences(stored, plan, catalogue), None):
        raise UsageError(
            f"{store.folder} holds another experiment: {difference}",
            "give --out another folder, or the options that it was run with",
        )


def _differences(stored: Plan, plan: Plan, catalogue: Catalogue) -> Iterator[str]:
    yield from _unlike("--tasks is", _names(stored, "suite"), _names(plan, "suite"))
    yield from _unlike("--model is", _names(stored, "model"), _names(plan, "model"))
    for name in OPTIONS:
        there, here = (getattr(one.experiment, name) for one in (stored, plan))
        yield from _unlike(f"--{name.replace('_', '-').replace('template-args', 'template-arg')} is", there, here)
    if all(any(cell.training for cell in one.cells) for one in (stored, plan)):
        yield from _unlike("--train-on is", stored.experiment.train_on, plan.experiment.train_on)
    before, now = _by_question(stored), _by_question(plan)
    told = [(one.suite_flags, one.params, one.suites) for one in (stored.experiment, plan.experiment)]
    same_command = told[0] == told[1]  # parameters then differ because `harness rescore` has changed them: it may go on
    for asked in before.keys() & now.keys():
        label, (old, new) = asked[0], (catalogue.stored_params(one[asked].suite) for one in (before, now))
        for name in sorted((old.keys() | new.keys()) - WHERE) if not same_command else ():
            yield from _unlike(f"the parameter {name} of {label} is", old.get(name), new.get(name))
        if before[asked].questions != now[asked].questions:
            yield f"{label} now asks other questions than those that are answered there"


def _by_question(plan: Plan) -> dict[tuple[str, str], Cell]:
    return {(cell.suite.label, cell.model.name): cell for cell in plan.cells}


def _names(plan: Plan, factor: str) -> str:
    names = {cell.suite.label if factor == "suite" else cell.model.name for cell in plan.cells}
    return ",".join(sorted(names))


def _unlike(what: str, there: Any, here: Any) -> Iterator[str]:
    if there != here:
        yield f"{what} {_short(there)} there and {_short(here)} here"


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
