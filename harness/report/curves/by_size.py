"""What compression costs: every rate of a suite against bits per weight, and beside it how far the predictions moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from harness.report.analysis import Block
from harness.report.arms import Estimate, SampledArm
from harness.report.curves.data import Chart, Level, Line, Panel, Point
from harness.report.estimate_cells import estimate_text
from harness.report.metrics import Metric
from harness.report.numbers import size
from harness.report.samples_of import counted
from harness.report.table import Samples
from harness.report.training.plot import slug

SCORES = 4  # panels of a suite that has scores in place of rates
Size = Callable[[SampledArm], float | None]
Method = tuple[str, str, int, str]  # what arms on one line share: model, trainer, seed, method


def size_chart(block: Block, blocks: Sequence[Block]) -> Chart | None:
    """None where nothing of known size was compressed. `blocks`: where the score is measured that stands beside a size."""
    sampled = [arm for arm in block.arms if isinstance(arm, SampledArm) and arm.samples()]
    smaller = [arm for arm in sampled if arm.cell.compressor != "none"]
    found = abscissa(smaller)
    if not found:
        return None
    title, of = found
    metrics = [metric for metric in block.metrics if metric.is_rate] or list(block.metrics[:SCORES])
    panels = [panel(metric.title, metric, sampled, of, {arm.id: arm for arm in sampled}) for metric in metrics]
    if block.axes:
        panels += beside(sampled, of, blocks)
    drawn = tuple(one for one in panels if one.drawn)
    note = "Whiskers and bands: 95 % intervals. Dashed: the model before compression."
    return Chart(slug(f"curves-{block.key}"), f"{block.title} against size", title, drawn, note) if drawn else None


def abscissa(arms: Sequence[SampledArm]) -> tuple[str, Size] | None:
    """Bits per weight where every arm has them, else what is stored."""
    if not arms:
        return None
    if all(bits(arm) is not None for arm in arms):
        return "bits per weight", bits
    if all(megabytes(arm) is not None for arm in arms):
        return "MB on disk", megabytes
    return None


def bits(arm: SampledArm) -> float | None:
    return arm.compression.bits_per_weight if arm.compression else None


def megabytes(arm: SampledArm) -> float | None:
    return arm.compression.bytes / 1e6 if arm.compression and arm.compression.bytes is not None else None


def panel(title: str, metric: Metric, arms: Sequence[SampledArm], of: Size, holds: dict[str, SampledArm]) -> Panel:
    """`holds`: by arm, the cell that holds the metric, which for the score beside a size is another suite's."""
    methods = list(dict.fromkeys(method(arm) for arm in arms if arm.cell.compressor != "none"))
    lines, levels = [], []
    for key in methods:
        on_it = [arm for arm in arms if arm.cell.compressor != "none" and method(arm) == key]
        made = [point(arm, holds[arm.id], metric, of) for arm in on_it if arm.id in holds]
        points = sorted((one for one in made if one), key=lambda one: one.x)
        lines.append(Line(name_of(on_it), methods.index(key), tuple(points)))
    for arm in arms:
        if arm.cell.compressor == "none" and arm.id in holds and any(method(arm)[:3] == key[:3] for key in methods):
            estimate = holds[arm.id].estimate(metric)
            if estimate.value is not None:
                told, behind = tell(arm.label, estimate, metric), counted(holds[arm.id], metric)
                levels.append(Level(arm.label, estimate.value, estimate.interval, told, behind))
    better = metric.rate and ("less" if metric.rate.better == "low" else "more")
    return Panel(title, better or "", metric.is_proportion, tuple(lines), tuple(levels))


def point(arm: SampledArm, holder: SampledArm, metric: Metric, of: Size) -> Point | None:
    at, estimate = of(arm), holder.estimate(metric)
    if at is None or estimate.value is None:
        return None
    facts = arm.compression
    told = [f"{at:.2f} bits/weight" if of is bits else "", size(facts.bytes) if facts and facts.bytes else ""]
    head = ", ".join((arm.label, *filter(None, told)))
    behind: Samples | None = counted(holder, metric)
    return Point(at, estimate.value, estimate.interval, arm.label, tell(head, estimate, metric), behind)


def tell(head: str, estimate: Estimate, metric: Metric) -> str:
    value, counts, interval = estimate_text(estimate, metric)
    return f"{head}: {value} {interval}, {counts}"


def method(arm: SampledArm) -> Method:
    cell = arm.cell
    return cell.model, cell.trainer, cell.seed, cell.method or cell.compressor


def name_of(arms: Sequence[SampledArm]) -> str:
    """What the labels of one method's arms begin with."""
    shared = takewhile(lambda letters: len(set(letters)) == 1, zip(*(arm.label for arm in arms), strict=False))
    return "".join(letters[0] for letters in shared).rstrip("@-_. ") or arms[0].label


def beside(arms: Sequence[SampledArm], of: Size, blocks: Sequence[Block]) -> list[Panel]:
    """A panel for the score of another suite that the run has beside every size."""
    keys = dict.fromkeys(arm.fidelity[0] for arm in arms if arm.fidelity)
    found = []
    for key in keys:
        for block in blocks:
            metric = next((metric for metric in block.metrics if metric.key == key), None)
            if metric and not block.axes:
                cells = {config(arm): arm for arm in block.arms if isinstance(arm, SampledArm)}
                holds = {arm.id: cells[config(arm)] for arm in arms if config(arm) in cells}
                found.append(panel(metric.title, metric, arms, of, holds))
    return found


def config(arm: SampledArm) -> tuple[str, str, str, int]:
    return arm.cell.model, arm.cell.trainer, arm.cell.compressor, arm.cell.seed
