"""Deployments of one training in the plane of both rates, with the frontier of shrinking it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.report.table import Picture
from harness.report.training.deployments import Deployment, Deployments, frontier_at
from harness.report.training.plot import BAND, COLOURS, GREY, STYLE, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (5.4, 3.4)  # inches
LABEL: Any = {"textcoords": "offset points"}


def deployment_figure(found: Deployments, title: str) -> Figure:
    """Seeds are small points, their mean a large one. The frontier is grey; the area it reaches at no more hacking is
    shaded."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=SIZE, facecolor="white")
        panel = figure.add_axes((0.1, 0.14, 0.6, 0.74))
        draw_frontier(panel, found.frontier)
        apart = [arm for arm in found.arms if arm not in found.frontier and arm.points]
        for arm, colour in zip(apart, (*COLOURS[1:], COLOURS[0]), strict=False):
            draw_point(panel, arm, colour)
        highest = max((100 * y for arm in found.arms for _, y in arm.points.values()), default=100.0)
        panel.set(xlim=(-2, 102), ylim=(-2, min(102.0, highest + 15)))
        panel.set_xlabel(f"{found.low.name} on held-out items, % (less is better)", color=GREY)
        panel.set_ylabel(f"{found.high.name}, % (more is better)", color=GREY)
        panel.tick_params(length=2, width=0.6, labelsize=7.5)
        figure.suptitle(title, x=0.02, y=0.975, ha="left", va="top", fontsize=10.5, fontweight="bold")
    return figure


def deployment_pictures(found: Sequence[Deployments], suite: str) -> Iterable[Picture]:
    """Only if there is a frontier to compare with."""
    for one in found:
        if one.frontier and one.above:
            shared = one.arms[0].label
            title = f"{suite} · one training, deployed in {len(one.arms)} ways"
            told = [words(one, arm) for arm in one.arms if arm.points]
            yield picture(deployment_figure(one, title), f"deployments-{suite}-{shared}", "; ".join([title, *told]))


def words(found: Deployments, arm: Deployment) -> str:
    x, y = mean_of(arm)
    return f"{arm.label}: {found.low.name} {x:.0f} %, {found.high.name} {y:.0f} %"


def draw_frontier(panel: Axes, frontier: list[Deployment]) -> None:
    path = [mean_of(arm) for arm in frontier if arm.points]
    if not path:
        return
    xs, ys = zip(*path, strict=True)
    panel.plot(xs, ys, "-", color=GREY, lw=1.2, zorder=2)
    shares = [(x / 100, y / 100) for x, y in path]
    grid = sorted({*range(101), *xs})
    reached = [100 * frontier_at(shares, x / 100) for x in grid]
    panel.fill_between(grid, reached, color=BAND, lw=0, zorder=0)  # what shrinking gives at no more of the low rate
    for arm in frontier:
        if arm.points:
            x, y = mean_of(arm)
            panel.plot([x], [y], "o", ms=4.5, mfc="white", mec=GREY, mew=1.1, zorder=3)
            name = arm.label if arm.scale is None else f"× {arm.scale:g}"
            panel.annotate(name, (x, y), xytext=(2, -11), **LABEL, fontsize=7.5, color=GREY)


def draw_point(panel: Axes, arm: Deployment, colour: str) -> None:
    xs, ys = zip(*((100 * x, 100 * y) for x, y in arm.points.values()), strict=True)
    panel.plot(xs, ys, "o", ms=2.5, color=colour, alpha=0.45, lw=0, zorder=4)
    x, y = mean_of(arm)
    panel.plot([x], [y], "o", ms=7, color=colour, mec="white", mew=0.8, zorder=5)
    panel.annotate(
        arm.label,
        (x, y),
        xytext=(8, 0),
        **LABEL,
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=colour,
        annotation_clip=False,
    )


def mean_of(arm: Deployment) -> tuple[float, float]:
    """In percent."""
    count = len(arm.points)
    return 100 * sum(x for x, _ in arm.points.values()) / count, 100 * sum(y for _, y in arm.points.values()) / count
