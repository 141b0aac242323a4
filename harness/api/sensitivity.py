"""A sensitivity screen from beginning to end: an ordinary run whose arms are masks, then its effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.api.launch import Launch, Workers, carry_out, prepare
from harness.contract import TaskSuite
from harness.contract.sensitivity import PLAN_FILE
from harness.errors import UsageError
from harness.planning.cells import slug
from harness.planning.experiment import Experiment
from harness.planning.questions import item_key, selected_items
from harness.planning.screening import SCREEN_FILE, Screen, make_screen, power_lines
from harness.planning.selection import Selection
from harness.registry.catalogue import Catalogue
from harness.registry.name_sources import NameSources
from harness.registry.sources import locate_model, model_shape
from harness.store.files import write_json, write_text

ONE_WORKER = Workers()


@dataclass(frozen=True)
class ScreenLaunch:
    """A screen that nothing speaks against, not begun. `held_out`: suite -> ids of items that a run judges by; `keys`: suite ->
    id -> key of those that count here."""

    screen: Screen
    launch: Launch
    held_out: dict[str, set[str]]
    keys: dict[str, dict[str, str]]

    @property
    def power(self) -> list[str]:
        catalogue = self.launch.names.catalogue
        graded = {
            cell.suite.label
            for cell in self.launch.plan.cells
            if getattr(catalogue.spec("tasks", cell.suite.plugin)[0], "axes", None)
        }
        return power_lines(self.screen, {suite: len(keys) for suite, keys in self.keys.items()}, graded)


def prepare_screen(
    experiment: Experiment,
    names: NameSources,
    unit: str,
    designs: Sequence[str],
    out: Path | None = None,
    workers: Workers = ONE_WORKER,
) -> ScreenLaunch:
    """Raises HarnessError for whatever cannot run."""
    catalogue = names.catalogue
    if not experiment.tasks:
        raise UsageError("no tasks selected", "add --tasks, e.g. --tasks goodhart7,fidelity")
    if len(experiment.model) > 1:
        raise UsageError("a screen is of one model", "give one --model")
    name = experiment.model[0] if experiment.model else catalogue.default_model
    if name is None:
        raise UsageError("no model given", "add --model PATH_OR_HUB_ID")
    experiment = experiment.model_copy(update={"model": (name,)})
    screen, arms = make_screen(experiment, catalogue, model_shape(locate_model(name, catalogue)), unit, designs)
    if arms.name is None:
        arms = arms.model_copy(update={"name": f"sensitivity-{slug(name)}-{slug(screen.compressor)}-{unit}"})
    judging, swept = (_suites(one, catalogue, name) for one in (experiment, arms))
    held_out, keys = {}, {}
    for label, suite in swept.items():
        taken = {item_key(judging[label], item) for item in selected_items(judging[label], None)}
        own = {item.id: item_key(suite, item) for item in selected_items(suite, experiment.limit)}
        held_out[label] = {item for item, key in own.items() if key in taken}
        keys[label] = {item: key for item, key in own.items() if key not in taken}
        if not keys[label]:
            raise UsageError(f"all items of {label} judge a run, too", f"draw others: -P {label}.seed=N")
    return ScreenLaunch(screen, prepare(arms, names, out, workers), held_out, keys)


def carry_out_screen(made: ScreenLaunch, command: str) -> tuple[int, str]:
    """(cells that failed, the line that sums it up); the table, the heat map and the plan file lie in the run folder.

    Raises:
        HarnessError: as `carry_out`, or a run is missing.
        KeyboardInterrupt: the same call resumes.
    """
    from harness.report.sensitivity.found import find, plan_file
    from harness.report.sensitivity.heat_map import heat_map
    from harness.report.sensitivity.responses import read_responses
    from harness.report.sensitivity.tables import markdown, summary_line

    launch, folder = made.launch, made.launch.store.folder
    ran = carry_out(launch, reported=False)
    write_json(folder / SCREEN_FILE, made.screen.model_dump(mode="json"))
    if ran.failed:
        return ran.failed, "no effects: the same command goes on"
    tables = read_responses(made.screen, launch.plan, launch.store, made.held_out)
    found = find(made.screen, launch.plan, tables)
    keys = {key: item for own in made.keys.values() for item, key in own.items()}
    write_json(folder / PLAN_FILE, plan_file(found, launch.plan, keys).model_dump(mode="json"))
    probe = _super_weights(launch)
    write_text(folder / "sensitivity.md", markdown(found, command) + probe)
    write_text(folder / "sensitivity.svg", heat_map(found))
    return 0, summary_line(made.screen, found)


def _suites(experiment: Experiment, catalogue: Catalogue, model: str) -> dict[str, TaskSuite]:
    """Label -> the suite as this experiment asks it."""
    catalogue = catalogue.with_presets(experiment.presets, "experiment file")
    chosen = Selection(experiment, catalogue)
    return {label: chosen.suite_of(chosen.suite(label, model)) for label in experiment.tasks}


def _super_weights(launch: Launch) -> str:
    from harness.models.super_weights import SPIKE, super_weights

    cell = launch.plan.cells[0]
    found = super_weights(Path(cell.model.path), cell.settings.device, cell.settings.dtype)
    lines = ["", "## Super weights (one forward pass)", ""]
    if not found:
        return "\n".join(
            [
                *lines,
                f"None: no MLP output projection has both an input and an output channel above {SPIKE:g} medians.",
                "",
            ]
        )
    lines += ["| Linear | row | column | input, medians | output, medians |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.linear} | {one.row} | {one.column} | {one.input_spike:.0f} | {one.output_spike:.0f} |" for one in found
    ]
    return "\n".join([*lines, ""])
