"""A sensitivity screen as an experiment: every run of its designs is an arm in which some units of the model are compressed."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from math import sqrt

from harness.contract import Compressor, ModelShape, Record
from harness.errors import UsageError, plural
from harness.planning.experiment import Experiment
from harness.registry.catalogue import Catalogue
from harness.registry.component import NONE

DESIGNS = ("factorial", "half-factorial", "add-one", "restore-one")
FACTORIAL = DESIGNS[:2]  # half of the units are compressed in each run; the second lacks the mirror image
UNITS = ("block", "linear")
RANDOM_MASKS = 3  # half of the units each: does the sum of the effects foretell them?
BASE, WHOLE, IDENTITY = NONE, "whole", "identity"
SCREEN_FILE = "screen.json"
CHANGED = 0.3  # of paired verdicts that a block at few bits turns over, either way


class MaskRun(Record):
    """One arm: the units that are compressed (or, in a null probe, nudged at 16 bits), by index."""

    design: str
    on: tuple[int, ...]


class Response(Record):
    """What is read of each item: a measure or score of a suite, `sign` −1 where less of it is better."""

    suite: str
    measure: str
    sign: int


class Screen(Record):
    """`runs` by the label of their arm."""

    compressor: str
    unit: str
    units: tuple[str, ...]  # by index; blocks by their number, Linears by name
    designs: tuple[str, ...]
    responses: dict[str, Response]
    runs: dict[str, MaskRun]

    def of(self, *designs: str) -> dict[str, MaskRun]:
        return {label: run for label, run in self.runs.items() if run.design in designs}


def make_screen(
    experiment: Experiment, catalogue: Catalogue, shape: ModelShape, unit: str, designs: Sequence[str]
) -> tuple[Screen, Experiment]:
    """The screen of the experiment's one compressor, and the experiment that carries it out.

    Raises UsageError for a design or unit that there is not, several compressors, or a suite without continuous responses.
    """
    compressors = [name for name in experiment.compressor if name != NONE]
    if len(compressors) != 1:
        raise UsageError("a screen is of one compressor", "give one, e.g. --compressor uniform3")
    if unknown := [name for name in designs if name not in DESIGNS]:
        raise UsageError(f"no design {unknown[0]!r}", f"a comma list of {', '.join(DESIGNS)}")
    if unit not in UNITS:
        raise UsageError(f"no unit {unit!r}", f"one of {', '.join(UNITS)}")
    catalogue = catalogue.with_presets(experiment.presets, "experiment file")
    _refuse_partial(compressors[0], experiment, catalogue, shape, unit)
    by_block = unit == "block"
    units = [str(block) for block in range(shape.blocks)] if by_block else [linear.name for linear in shape.linears]
    responses, params = _responses(experiment, catalogue)
    runs = _runs(len(units), designs)
    presets = {label: _preset(compressors[0], run, units, by_block) for label, run in runs.items()}
    screen = Screen(
        compressor=compressors[0],
        unit=unit,
        units=tuple(units),
        designs=tuple(designs),
        responses=responses,
        runs=runs,
    )
    changed = {"compressor": tuple(presets), "compressors": {**experiment.compressors, **presets}, "params": params}
    return screen, experiment.model_copy(update={**changed, "baseline": True})


def _refuse_partial(label: str, experiment: Experiment, catalogue: Catalogue, shape: ModelShape, unit: str) -> None:
    """Raises UsageError for a compressor that measures, takes the whole model, leaves Linears as they are, or, by Linear, lets
    some share factors."""
    compressor: Compressor = catalogue.build(catalogue.resolve("compressors", label, experiment.params.get(label)))
    remedy = "screen a compressor that compresses every Linear by rule, such as uniform3"
    if compressor.measures or compressor.whole_model or compressor.masks:
        raise UsageError(f"{label} cannot be screened: it does not decide each Linear by rule", remedy)
    planned = compressor.plan(shape)
    if kept := [name for name, decision in planned.items() if decision.kept]:
        raise UsageError(f"{label} cannot be screened: it leaves {kept[0]} as it is", remedy)
    if unit == "linear" and any(decision.borrows for decision in planned.values()):
        raise UsageError(f"{label} cannot be screened by Linear: some share a factor", "give --unit block")


def power_lines(screen: Screen, items: dict[str, int], graded: Collection[str]) -> list[str]:
    """What the screen can and cannot see, said before it runs. `items`: suite -> how many count; `graded`: suites that have
    accuracies."""
    from harness.stats.power import mde_paired

    lines = []
    halves = len(screen.of(*FACTORIAL))
    for suite, count in items.items():
        if suite not in graded:
            lines.append(f"{suite}: {plural(count, 'item')}, continuous responses only")
            continue
        alone = mde_paired(count, CHANGED) or 1.0
        line = (
            f"{suite}: {plural(count, 'item')}; of one {screen.unit} an accuracy shows {100 * alone:.0f} points or more"
        )
        if halves:
            line += f", in the factorial's mean of {halves} runs about {100 * alone * sqrt(2 / halves):.0f}"
        lines.append(f"{line} (80 % power, {100 * CHANGED:.0f} % of verdicts changing); hence the continuous responses")
    return lines


def _responses(experiment: Experiment, catalogue: Catalogue) -> tuple[dict[str, Response], dict]:
    """The suites' continuous responses by name, and -P with the parameters that each suite has in a screen."""
    found: dict[str, Response] = {}
    params = dict(experiment.params)
    for label in experiment.tasks:
        sweep = catalogue.preset_of("tasks", label).sweep
        if not sweep.responses:
            raise UsageError(
                f"{label} has no continuous responses", f"name them in [tasks.{label}.sweep] of a registry.toml"
            )
        params[label] = {**sweep.params, **params.get(label, {})}
        for name, measure in sweep.responses.items():
            own = name if name not in found else f"{name} ({label})"
            found[own] = Response(suite=label, measure=measure.removeprefix("-"), sign=-1 if measure[0] == "-" else 1)
    return found, params


def _runs(count: int, designs: Sequence[str]) -> dict[str, MaskRun]:
    from harness.stats.designs import folded, plackett_burman

    everything, generator = tuple(range(count)), random.Random(0)
    runs = {
        IDENTITY: MaskRun(design="control", on=()),
        WHOLE: MaskRun(design="control", on=everything),
        "null-all": MaskRun(design="null", on=everything),
        "null-even": MaskRun(design="null", on=everything[::2]),
        "null-odd": MaskRun(design="null", on=everything[1::2]),
    }
    for design in designs:
        if design in FACTORIAL:
            signs = plackett_burman(count) if design == "half-factorial" else folded(plackett_burman(count))
            masks = [tuple(index for index in everything if row[index] > 0) for row in signs]
            for number in range(RANDOM_MASKS):
                half = tuple(sorted(generator.sample(everything, max(1, count // 2))))
                runs[f"random-{number}"] = MaskRun(design="random", on=half)
        elif design == "add-one":
            masks = [(index,) for index in everything]
        else:
            masks = [tuple(other for other in everything if other != index) for index in everything]
        runs |= {f"{design}-{number:03}": MaskRun(design=design, on=mask) for number, mask in enumerate(masks)}
    return runs


def _preset(compressor: str, run: MaskRun, units: Sequence[str], by_block: bool) -> dict:
    names = [units[index] for index in run.on]
    chosen = {"blocks": [int(name) for name in names]} if by_block else {"linears": names}
    return {"plugin": "masked", "treatment": compressor, **chosen, **({"null": True} if run.design == "null" else {})}
