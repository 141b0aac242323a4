"""What training does: every rate that was followed, against the step, all arms in one panel."""

from __future__ import annotations

from collections.abc import Iterable

from harness.contract import Rate
from harness.report.analysis import Block
from harness.report.curves.by_size import tell
from harness.report.curves.data import Chart, Level, Line, Panel, Point
from harness.report.metrics import Metric
from harness.report.numbers import bracket, percent
from harness.report.samples_of import counted
from harness.report.seeds import SeedGroup, Spread, spread
from harness.report.training.analysis import Training
from harness.report.training.arms import TrainedArm
from harness.report.training.plot import one_per_training, slug

MARK = 1.06  # where the held-out rate stands: right of the last step


def step_chart(block: Block) -> Chart | None:
    """None where no arm finished a training."""
    training = block.training
    if training is None or not (arms := one_per_training(training)):
        return None
    panels = tuple(panel(training, rate, arms) for rate in training.rates)
    note = (
        "Lines: rollouts, the mean over seeds; bands: 95 % t intervals over seeds. Open circles: held-out items, after "
        "training. Dashed: the untrained model on held-out items."
    )
    return Chart(slug(f"steps-{block.key}"), f"{block.title} during training", "step", panels, note)


def panel(training: Training, rate: Rate, arms: list[TrainedArm]) -> Panel:
    metric = training.metric(rate)
    last = max((len(run.rows) for arm in arms for run in arm.runs.values()), default=1)
    lines = [Line(arm.label, number, tuple(steps(arm, rate)), dense=True) for number, arm in enumerate(arms)]
    marks = [
        Line(arm.label, number, (found,), apart=True)
        for number, arm in enumerate(arms)
        if (found := held_out(training.held_out.get(arm.label), metric, MARK * last))
    ]
    levels = [
        Level(one.name, one.y, one.interval, one.told, one.samples)
        for group in training.untouched
        if (one := held_out(group, metric, 0))
    ]
    better = "less" if rate.better == "low" else "more"
    return Panel(rate.title, better, True, tuple(lines), tuple(levels), tuple(marks))


def steps(arm: TrainedArm, rate: Rate) -> Iterable[Point]:
    runs = arm.trajectories(rate.name)
    for at in range(max(map(len, runs.values()), default=0)):
        known = {seed: run[at] for seed, run in runs.items() if at < len(run)}
        found = spread({seed: value for seed, value in known.items() if value is not None}, bounded=True)
        if found.mean is not None:
            told = f"{arm.label}, step {at + 1}: {share_text(found)}"
            yield Point(at + 1, found.mean, found.interval, arm.label, told)


def held_out(group: SeedGroup | None, metric: Metric, x: float) -> Point | None:
    """Over seeds, or, of one seed, over its items."""
    if group is None:
        return None
    if len(group.arms) == 1:
        [arm] = group.arms.values()
        estimate = arm.estimate(metric)
        if estimate.value is None:
            return None
        told = tell(f"{group.label}, held-out items", estimate, metric)
        return Point(x, estimate.value, estimate.interval, group.label, told, counted(arm, metric))
    found = spread(group.values(metric), bounded=True)
    if found.mean is None:
        return None
    return Point(x, found.mean, found.interval, group.label, f"{group.label}, held-out items: {share_text(found)}")


def share_text(found: Spread) -> str:
    seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else f"seed {found.seeds[0]}"
    return f"{percent(found.mean)} {bracket(found.interval) if found.interval else ''}, {seeds}".replace(" ,", ",")
