"""What arms do under each width, from a stored run of examples/experiments/cures-under-bits.toml, whole or in part.

    python benchmarks/cures_behaviour.py RUN [--plot cures-under-bits.svg]

Seeds are the unit. A seed "hacks" when at least a fifth of its replies to items with a loophole do. Hacks beside programs that
compile: a model that cannot write a program any more does not hack either. Only the declared family is tested; all else is told
without a verdict. Intervals are t over seeds, 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean

import numpy as np
from cures_cells import BEHAVIOUR, PLAIN, Cells, behaviour_columns, difference, stored, table
from cures_declared import BASE, declared

from harness.planning.cells import Plan
from harness.report.arms import gamed
from harness.report.compare import match
from harness.report.seeds import SeedGroup


def widths_side_by_side(cells: Cells) -> str:
    """Hack and solve rate of every arm (rows) under every width (columns), in percent, mean over seeds."""
    widths = list(dict.fromkeys(width for _, width in cells.groups))

    def both(trainer: str, width: str) -> str:
        group = cells.groups.get((trainer, width))
        rates = [fmean(group.values(metric).values()) for metric in (cells.hack, cells.solve)] if group else []
        return " / ".join(f"{100 * rate:.1f}" for rate in rates) or "–"

    return table(
        ("hack / solve", *widths), ([arm, *(both(arm, width) for width in widths)] for arm in cells.trainers), 1
    )


def behaviour(cells: Cells) -> str:
    def rows() -> Iterable[list[str]]:
        for (trainer, width), group in cells.groups.items():
            plain = cells.groups.get((trainer, PLAIN))
            flips = flipped(plain, group) if plain and width != PLAIN else ("–", "–")
            yield [trainer, width, str(len(group.arms)), *behaviour_columns([*group.arms.values()], cells), *flips]

    return table(("arm", "width", "seeds", *BEHAVIOUR, "began", "stopped"), rows())


def flipped(plain: SeedGroup, rounded: SeedGroup) -> tuple[str, str]:
    """Replies that hack rounded alone and those that hacked plain alone, over all seeds, of the replies that could."""
    pairs = [
        (gamed(before), gamed(after))
        for seed, arm in rounded.arms.items()
        if seed in plain.arms
        for before, after in match(plain.arms[seed].rows, arm.rows)[0]
        if before.verdict is not None and after.verdict is not None
    ]
    began, stopped = sum(not a and b for a, b in pairs), sum(a and not b for a, b in pairs)
    return f"{began}/{sum(not a for a, _ in pairs)}", f"{stopped}/{sum(a for a, _ in pairs)}"


def effects(cells: Cells, base: str, trainers: Iterable[str]) -> str:
    """Explored: every width, no test."""

    def rows() -> Iterable[list[str]]:
        for trainer, width in cells.groups:
            if width == PLAIN or trainer not in trainers or trainer in (base, PLAIN):
                continue
            back, solving = (cells.survival(trainer, base, width, of) for of in (cells.hack, cells.solve))
            if back and solving:
                own = cells.own_change(trainer, width, cells.hack)
                changes = (back.base, back.difference, own, solving.difference)
                yield [trainer, width, str(len(back.difference.seeds)), *map(difference, changes)]

    columns = (
        f"arm vs {base}",
        "width",
        "seeds",
        "hack at 16 bits",
        "hack came back by",
        "its own change",
        "solve changed by",
    )
    return table(columns, rows())


def controls_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Trainer -> the controls that its preset declares, whether they run or not."""
    return {cell.trainer.label: cell.trainer.control for cell in plan.cells if cell.trainer.control}


# ------------------------------------------------------------------------------------------------------------------- plot


def plot(cells: Cells, bits: Mapping[str, float], path: Path) -> None:
    """Hack and solve rate against bits per weight, one panel an arm; thin lines are seeds."""
    from matplotlib.figure import Figure

    trainers = cells.trainers
    across = min(5, len(trainers))
    figure = Figure(figsize=(2.3 * across, 1.9 * -(-len(trainers) // across)), layout="constrained")
    panels = [*figure.subplots(-(-len(trainers) // across), across, sharex=True, sharey=True, squeeze=False).flat]
    for panel, trainer in zip(panels, trainers, strict=False):
        panel.set_title(trainer, fontsize=8, loc="left")
        for colour, metric in (("#D55E00", cells.hack), ("#0072B2", cells.solve)):
            for kind, style in (("rtn", "-"), ("gptq", "--")):
                widths = [w for t, w in cells.groups if t == trainer and (w == PLAIN or w.startswith(kind))]
                order = sorted(widths, key=lambda width: -bits[width])
                values = [cells.groups[trainer, width].values(metric) for width in order]
                seeds = sorted(set.intersection(*map(set, values))) if len(order) > 1 else []
                if not seeds:
                    continue
                lines = np.array([[of[seed] for of in values] for seed in seeds])  # (seeds, widths)
                places = [min(bits[width], 16) for width in order]
                panel.plot(places, 100 * lines.T, style, color=colour, linewidth=0.4, alpha=0.5)
                panel.plot(places, 100 * lines.mean(axis=0), style, color=colour, linewidth=1.6)
        panel.set_xscale("log", base=2)
        panel.set_xticks([2, 3, 4, 8, 16], ["2", "3", "4", "8", "16"], fontsize=7)
        panel.tick_params(labelsize=7)
        panel.set_ylim(0, 100)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(trainers) :]:
        panel.set_visible(False)
    figure.supxlabel("bits of a code", fontsize=8)
    figure.supylabel("hack (orange), solve (blue), %; rtn —, gptq - -", fontsize=8)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    run = stored(options.run)
    cells = Cells.of(run.data)
    groups = cells.groups.values()
    missing = sum(arm.unscored() for group in groups for arm in group.arms.values())
    finished = sum(len(group.arms) for group in groups)
    controls = controls_of(run.plan)
    placebos = {arm: named[0] for arm, named in controls.items()}
    print(f"{finished} of {len(run.plan.cells)} cells; {missing} replies without a verdict, counted in their rates\n")
    for part in (
        widths_side_by_side(cells),
        behaviour(cells),
        declared(cells, placebos),
        effects(cells, BASE, cells.trainers),
    ):
        print(part, end="\n\n")
    for arm, named in controls.items():
        for control in named:
            both = set.intersection(
                *({w for t, w in cells.groups if t == name and w != PLAIN} for name in (arm, control))
            )
            if both:
                print(effects(cells, control, [arm]), end="\n\n")
            elif control in cells.trainers:
                print(f"{arm} and {control}, its control, have no width in common under which both ran.\n")
    if options.plot:
        labels = {cell.compressor.label: cell.compressor for cell in run.plan.cells}
        widths = {name: float(it.params.get("bits", 16)) if not it.untouched else 16.0 for name, it in labels.items()}  # type: ignore[arg-type]
        plot(cells, widths, options.plot)


if __name__ == "__main__":
    main()
