"""Trajectories of training: every rate against the step, arms side by side, as SVG and PNG.

Seeds are thin, their mean is thick; the dashed line is the mean, over the same seeds, of the arm that the plan compares it
with; the band marks the last steps, whose mean the tables report; an open circle is the same arm on held-out items, as it is
deployed. Colours are two of Okabe and Ito's, which people with any colour vision tell apart, and every line bears its name.
"""

from __future__ import annotations

import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.contract import Rate
from harness.report.table import Picture
from harness.report.training.analysis import Training
from harness.report.training.arms import LAST, TrainedArm, mean
from harness.report.training.contrasts import seed_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")  # Okabe and Ito 2008
INK, GREY, BAND = "#222222", "#7a7a7a", "#f0f0ee"
PANEL = (2.55, 1.95)  # inches
ACROSS = 4  # panels in a row
GAP = 7.5  # least distance of two names at one end of a panel, in percentage points
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "text.color": INK,
    "svg.hashsalt": "trajectories",  # the same data make the same file
    "svg.fonttype": "path",
}


def trajectories(training: Training, title: str) -> Figure | None:
    """One panel per training that finished; None if none did."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    arms = one_per_training(training)
    if not arms:
        return None
    down = -(-len(arms) // ACROSS)
    across = -(-len(arms) // down)  # rows as even as possible
    with rc_context(STYLE):
        figure = Figure(figsize=(PANEL[0] * max(across, 2.4) + 0.3, PANEL[1] * down + 0.95), facecolor="white")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat
        for at, panel in enumerate(panels):
            if at < len(arms):
                draw(panel, training, arms[at], first=at == 0)
            else:
                panel.set_visible(False)
            if at + across >= len(arms):
                panel.tick_params(labelbottom=True)
                panel.set_xlabel("step", color=GREY, labelpad=1)
        height = figure.get_figheight()
        figure.suptitle(title, x=0.012, y=1 - 0.1 / height, ha="left", va="top", fontsize=10.5, fontweight="bold")
        figure.text(0.012, 1 - 0.33 / height, legend(training), ha="left", va="top", fontsize=7.5, color=GREY)
        figure.subplots_adjust(
            left=0.45 / figure.get_figwidth(),
            right=1 - 0.85 / figure.get_figwidth(),
            bottom=0.4 / height,
            top=1 - 0.9 / height,
            wspace=0.42,
            hspace=0.5,
        )
    return figure


def one_per_training(training: Training) -> list[TrainedArm]:
    """Arms that finished a run; if several deploy one training, the one that the others are compared with."""
    bases = Counter(contrast.base for contrast in training.contrasts)
    found: dict[str, TrainedArm] = {}
    for arm in training.trained:
        if not arm.runs:
            continue
        keys = sorted(str(run.training) for run in arm.runs.values() if run.training)
        name = ",".join(keys) or arm.label
        if name not in found or bases[arm.label] > bases[found[name].label]:
            found[name] = arm
    return list(found.values())


def draw(panel: Axes, training: Training, arm: TrainedArm, first: bool) -> None:
    """One arm: the base's mean in grey, then seeds and mean of every rate, then what it does on held-out items."""
    from matplotlib.ticker import MaxNLocator

    steps = max(len(run.rows) for run in arm.runs.values())
    panel.axvspan(max(steps - LAST, 0) + 0.5, steps + 0.5, color=BAND, lw=0, zorder=0)
    base = base_of(training, arm)
    ends: list[tuple[float, str, str]] = []
    for rate, colour in zip(training.rates, COLOURS, strict=False):
        if base is not None:
            line(panel, mean_line(base, rate, arm.seeds), color=GREY, lw=0.9, dashes=(3, 2), zorder=1)
        for values in arm.trajectories(rate.name).values():
            line(panel, values, color=colour, lw=0.6, alpha=0.45, zorder=2)
        line(panel, mean_line(arm, rate, arm.seeds), color=colour, lw=2.0, solid_capstyle="round", zorder=3)
        held_out = held_out_mean(training, arm, rate)
        if held_out is not None:
            panel.plot([0.5 + 1.07 * steps], [100 * held_out], "o", ms=4.2, mfc="white", mec=colour, mew=1.2, zorder=4)
        last = arm.last(rate.name).mean
        if last is not None:
            ends.append((100 * last, f"{rate.name} {100 * last:.0f} %", colour))
    for height, (_, text, colour) in zip(spread_labels([end[0] for end in ends]), ends, strict=True):
        panel.annotate(
            text,
            xy=(1, height),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=8,
            fontweight="bold",
            annotation_clip=False,
        )
    panel.set(xlim=(0.5, 0.5 + 1.13 * steps), ylim=(-3, 103))
    panel.set_yticks((0, 50, 100), ("0", "50", "100 %"))
    panel.grid(axis="y", color="#e4e4e4", lw=0.5, zorder=0)
    panel.tick_params(length=2, width=0.6, labelsize=7.5)
    panel.set_xticks(
        [tick for tick in MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(1, steps) if 1 <= tick <= steps]
    )
    panel.set_title(arm.label, loc="left", fontsize=9, fontweight="bold", pad=13)
    panel.text(0, 1.035, under_title(arm, base), transform=panel.transAxes, fontsize=7, color=GREY, va="bottom")
    if first:
        panel.text(steps + 0.3, 101, f"last {LAST}", fontsize=6.5, color=GREY, ha="right", va="top")


def line(panel: Axes, values: Sequence[float | None], **style: object) -> None:
    """Steps from 1; a step without a value leaves a gap."""
    shares = [float("nan") if value is None else 100 * value for value in values]
    panel.plot(range(1, len(shares) + 1), shares, **style)  # type: ignore[arg-type]


def mean_line(arm: TrainedArm, rate: Rate, seeds: Sequence[int]) -> list[float | None]:
    """Over these seeds, step by step."""
    runs = [values for seed, values in arm.trajectories(rate.name).items() if seed in seeds]
    length = max(map(len, runs), default=0)
    return [mean(run[step] for run in runs if step < len(run)) for step in range(length)]


def base_of(training: Training, arm: TrainedArm) -> TrainedArm | None:
    """The trained arm that the plan compares this one with first, if it has every seed of this one."""
    by_label = {found.label: found for found in training.trained if set(arm.seeds) <= set(found.seeds)}
    bases = (by_label.get(found.base) for found in training.contrasts if found.other == arm.label)
    return next((base for base in bases if base is not None), None)


def held_out_mean(training: Training, arm: TrainedArm, rate: Rate) -> float | None:
    group = training.held_out.get(arm.label)
    return mean(group.values(training.metric(rate)).values()) if group else None


def under_title(arm: TrainedArm, base: TrainedArm | None) -> str:
    seeds = f"seed {seed_text(arm.seeds)}" if len(arm.seeds) == 1 else f"seeds {seed_text(arm.seeds)}"
    return seeds + (f" · dashed: {base.label}" if base else "") + (f" · monitor {arm.monitor}" if arm.monitor else "")


def legend(training: Training) -> str:
    named = ", ".join(
        f"{rate.name} ({'less' if rate.better == 'low' else 'more'} is better)" for rate in training.rates
    )
    return f"{named} · seeds thin, their mean thick · ○ held-out items, after training"


def spread_labels(heights: Sequence[float]) -> list[float]:
    """The same heights, pushed to at least GAP from one another, in their order, centred where they met."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = list(heights)
    for lower, upper in itertools.pairwise(order):
        overlap = GAP - (placed[upper] - placed[lower])
        if overlap > 0:
            placed[lower] -= overlap / 2
            placed[upper] += overlap / 2
    return placed


def trajectory_picture(training: Training, suite: str) -> Picture | None:
    """None if no arm finished a run."""
    models = dict.fromkeys(arm.model for arm in training.trained)
    title = f"{suite} · training {', '.join(models)}"
    figure = trajectories(training, title)
    return picture(figure, f"trajectories-{suite}", "; ".join(described(training, title))) if figure else None


def picture(figure: Figure, name: str, alt: str) -> Picture:
    return Picture(slug(name), alt, to_svg(figure), to_png(figure))


def to_svg(figure: Figure) -> str:
    """The <svg> element alone, ready to be put into a page."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def to_png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=200, metadata={"Software": None})
    return out.getvalue()


def described(training: Training, title: str) -> Iterable[str]:
    """What the figure shows, for readers who cannot see it."""
    yield title
    for arm in training.trained:
        for rate in training.rates:
            first, last = arm.first(rate.name).mean, arm.last(rate.name).mean
            if first is not None and last is not None:
                yield f"{arm.label}: {rate.name} from {100 * first:.0f} % to {100 * last:.0f} %"


def slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
