"""The training tables: where each arm started and ended, what the same arms do on held-out items, and paired differences."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from harness.contract import Rate
from harness.errors import plural
from harness.report.difference_tables import stars
from harness.report.estimate_cells import NO_INFERENCE
from harness.report.metrics import Metric
from harness.report.numbers import NONE, percent, plain, points
from harness.report.seed_tables import difference_cell, mean_text, spread_json
from harness.report.seeds import SeedComparison, SeedGroup, Spread, compare_seeds, spread
from harness.report.table import Cell, Column, Table, text_cell
from harness.report.training.analysis import Training
from harness.report.training.arms import LAST, TrainedArm, TrainingArm
from harness.report.training.contrasts import Found, Refused, TrainingContrast, seed_text
from harness.stats import ALPHA, minimal_p

ATTEMPTED = "attempted"  # in a step's row: share of the rollouts that try to game the proxy

HeldOut = dict[tuple[str, str, str], SeedComparison]  # (base, other, rate) -> comparison, adjusted over its own family


def training_tables(training: Training, held_out: HeldOut) -> Iterable[Table]:
    yield overview(training)
    for rate in training.rates:
        yield differences(training, rate, held_out)
    for rate in training.rates:
        if any(arm.families(rate.name) for arm in training.trained):
            yield by_family(training, rate)
        if len(held_out_families(training)) > 1:
            yield held_out_by_family(training, rate)


# ------------------------------------------------------------------------------------------------------------ overview


def overview(training: Training) -> Table:
    """Published rows have last steps alone."""
    ran = bool(training.trained)
    columns = [Column("arm", "arm"), Column("seeds", "seeds", "right")]
    for rate in training.rates:
        if ran:
            columns.append(Column(f"{rate.name}_first", f"{rate.name}\nat first", "right"))
        columns.append(Column(f"{rate.name}_last", f"{rate.name}\nlast {LAST}", "right"))
        if ran:
            columns.append(Column(f"{rate.name}_held_out", f"{rate.name}\nheld out", "right"))
            if rate.better == "high":
                columns.append(Column(f"{rate.name}_kept", "kept\nof start", "right"))
    if shows_attempts(training):
        columns.append(Column("tried", f"tried\nlast {LAST}", "right", 2))
    if ran:
        columns.append(Column("idle", "flat\nskipped", "right"))
        columns.append(Column("cut", "cut", "right", -1))
    rows = [untouched_row(training, group) for group in training.untouched if ran]
    rows += [overview_row(training, arm, ran) for arm in training.arms]
    return Table("training", "Training", tuple(columns), tuple(rows), tuple(overview_notes(training)))


def untouched_row(training: Training, group: SeedGroup) -> tuple[Cell, ...]:
    cells = [text_cell(group.label), seeds_cell(tuple(sorted(group.arms)))]
    for rate in training.rates:
        cells += [Cell(NONE), Cell(NONE), held_out_cell(training, group.label, rate)]
        cells += [Cell(NONE)] * (rate.better == "high")
    return (*cells, *[Cell(NONE)] * (2 + shows_attempts(training)))


def overview_row(training: Training, arm: TrainingArm, ran: bool) -> tuple[Cell, ...]:
    cells = [Cell(arm.label + (" †" if isinstance(arm, TrainedArm) and arm.monitor else ""), arm.label)]
    cells.append(seeds_cell(arm.seeds))
    for rate in training.rates:
        if isinstance(arm, TrainedArm):
            cells.append(rate_cell(arm.first(rate.name), training, rate))
        cells.append(rate_cell(arm.last(rate.name), training, rate))
        if ran:
            cells.append(held_out_cell(training, arm.label, rate))
            if rate.better == "high" and isinstance(arm, TrainedArm):
                kept = arm.kept(rate.name)
                cells.append(Cell(percent(kept), kept))
    if shows_attempts(training):
        tried = arm.last(ATTEMPTED)
        cells.append(Cell(percent(tried.mean), spread_json(tried)))
    if isinstance(arm, TrainedArm):
        cells += [idle_cell(arm), Cell(percent(arm.cut_share()), arm.cut_share())]
    return tuple(cells)


def shows_attempts(training: Training) -> bool:
    """Whether a trainer said of its rollouts which of them tried to game the proxy."""
    return any(arm.last(ATTEMPTED).seeds for arm in training.trained)


def idle_cell(arm: TrainedArm) -> Cell:
    flat, skipped, steps = arm.flat_share(), arm.skipped(), sum(len(run.rows) for run in arm.runs.values())
    text = f"{percent(flat)}\n{skipped}/{steps}" if steps else NONE
    return Cell(text, {"flat": flat, "skipped": skipped, "steps": steps})


def seeds_cell(seeds: tuple[int, ...]) -> Cell:
    return Cell(str(len(seeds)), list(seeds))


def rate_cell(found: Spread, training: Training, rate: Rate) -> Cell:
    return Cell(mean_text(found, training.metric(rate)), spread_json(found))


def held_out_cell(training: Training, label: str, rate: Rate) -> Cell:
    group = training.held_out.get(label)
    values = group.values(training.metric(rate)) if group else {}
    return rate_cell(spread(values, bounded=True), training, rate)


def overview_notes(training: Training) -> Iterable[str]:
    trained = training.trained
    if not trained:
        yield f"Means over seeds ± standard deviation, of the last {LAST} steps of each run, as published."
        repeated = [arm for arm in training.arms if len(set(arm.seeds)) < len(arm.seeds)]
        if repeated:
            named = "; ".join(f"{arm.label}: {seed_text(arm.seeds)}" for arm in repeated)
            yield f"One seed run several times spreads by its rollouts alone: {named}."
        return
    yield (
        f"Mean over seeds ± standard deviation between seeds, of the policy's own rollouts. At first: the first step, which "
        f"the untrained policy speaks; last {LAST}: mean of each run's last {LAST} steps; held out: the suite's own items, "
        "after training. Kept: last over first."
    )
    yield (
        "Flat: share of groups in which no rollout beat another, which teach nothing; skipped: steps in which all were flat. "
        "Cut: share of the rollouts that the token limit cut."
    )
    if shows_attempts(training):
        yield "Tried: share of the rollouts that try to game the proxy, whether it works or not."
    short = sorted({steps for arm in trained for steps in arm.steps if steps < LAST})
    if short:
        yield f"Runs of {' and '.join(map(str, short))} steps have no {LAST} last ones: all of them are averaged."
    for arm in trained:
        if arm.left_out:
            reasons = dict.fromkeys(arm.left_out.values())
            seeds = {reason: [seed for seed, why in arm.left_out.items() if why == reason] for reason in reasons}
            lost = "; ".join(f"seed {seed_text(found)} ({reason})" for reason, found in seeds.items())
            yield f"{arm.label} is reported without what did not finish: {lost}."
    for arm in trained:
        if arm.monitor:
            yield f"† {arm.label} was trained with the detector {arm.monitor} as its monitor, which does not grade it."


# --------------------------------------------------------------------------------------------------------- differences


def differences(training: Training, rate: Rate, held_out: HeldOut) -> Table:
    ran = bool(training.trained)
    columns = [
        Column("contrast", "contrast"),
        Column("seeds", "seeds", "right"),
        Column("base", "base", "right"),
        Column("other", "other", "right"),
        Column("difference", f"difference, last {LAST}", "right"),
    ]
    if ran:
        columns.append(Column("held_out", "difference, held out", "right"))
    rows = [difference_row(training, contrast, rate, held_out, ran) for contrast in training.contrasts]
    better = " (lower is better)" if rate.better == "low" else ""
    title = f"{rate.title}{better} in training: paired by seed" if ran else f"{rate.title}{better}: differences"
    return Table(f"training:{rate.name}", title, tuple(columns), tuple(rows), tuple(notes(training, rate)))


def difference_row(
    training: Training, contrast: TrainingContrast, rate: Rate, held_out: HeldOut, ran: bool
) -> tuple[Cell, ...]:
    found = contrast.rates[rate.name]
    names: dict[str, JsonValue] = {
        "base": contrast.base,
        "other": contrast.other,
        "differs": {key: list(values) for key, values in contrast.differs.items()},
    }
    changed = [f"{key}: {short(before)} → {short(after)}" for key, (before, after) in contrast.differs.items()]
    head = Cell("\n".join([contrast.label, *changed]), names)
    tail = (held_out_difference(training, contrast, rate, held_out),) if ran else ()
    if isinstance(found, Refused):
        return (
            head,
            Cell(NONE),
            Cell(NONE),
            Cell(NONE),
            Cell(found.verdict, {found.verdict.replace(" ", "_"): found.reason}),
            *tail,
        )
    metric = training.metric(rate)
    return (
        head,
        seeds_cell(found.difference.seeds),
        Cell(mean_text(found.base, metric), spread_json(found.base)),
        Cell(mean_text(found.other, metric), spread_json(found.other)),
        outcome_cell(found, training.metric(rate)),
        *tail,
    )


def held_out_difference(training: Training, contrast: TrainingContrast, rate: Rate, held_out: HeldOut) -> Cell:
    """Against the untouched model where training itself is compared with its own start."""
    base = contrast.base
    if base not in training.held_out and training.untouched:
        base = training.untouched[0].label
    found = held_out.get((base, contrast.other, rate.name))
    if found is None and {base, contrast.other} <= set(training.held_out):
        groups = training.held_out
        found = compare_seeds(groups[base], groups[contrast.other], training.metric(rate))
    if found is None:
        return Cell(NONE)
    cell, metric = outcome_cell(found, training.metric(rate)), training.metric(rate)
    asked = {seed for label in (base, contrast.other) for seed in training.held_out[label].values(metric)}
    shared = len(found.difference.seeds)
    return cell if shared == len(asked) else Cell(f"{cell.text}\n{plural(shared, 'shared seed')}", cell.value)


def outcome_cell(found: SeedComparison, metric: Metric) -> Cell:
    """Difference, interval, verdict, stacked."""
    cell = difference_cell(found.difference, metric, found.base.mean or 0.0)
    if found.p is None:  # published
        spread_text = "" if found.difference.sd is None else f" ± {plain(100 * found.difference.sd)}"
        return Cell(f"{points(found.difference.mean)}{spread_text}\n{found.method}", cell.value)
    value: dict[str, JsonValue] = {
        **spread_json(found.difference),
        "p": found.p,
        "adjusted": found.adjusted,
        "minimal": found.minimal,
        "inference": found.inference,
    }
    if not found.inference:
        verdict = NO_INFERENCE
    elif found.adjusted is None:
        verdict = f"p {found.p:.3f}"
    else:
        verdict = f"p {found.p:.3f}, Holm {found.adjusted:.3f} {stars(found.adjusted)}".rstrip()
    return Cell(f"{cell.text}\n{verdict}", value)


def notes(training: Training, rate: Rate) -> Iterable[str]:
    found: list[Found] = [contrast.rates[rate.name] for contrast in training.contrasts]
    tested = [one for one in found if isinstance(one, SeedComparison) and one.family]
    if tested:
        yield how_tested(tested, "contrast")
    refusals: dict[Refused, list[str]] = {}
    for contrast in training.contrasts:
        if isinstance(refusal := contrast.rates[rate.name], Refused):
            refusals.setdefault(refusal, []).append(contrast.label)
    for refusal, labels in refusals.items():
        yield f"{refusal.verdict.capitalize()}: {'; '.join(labels)}: {refusal.reason}."
    for contrast in training.contrasts:
        yield from (
            f"{contrast.label}: {line.partition(': ')[2]}."
            for line in contrast.remarks
            if line.partition(": ")[0] == rate.name
        )


def how_tested(tested: Sequence[SeedComparison], unit: str) -> str:
    """The test, its correction, and how many seeds the strongest difference would need to pass it."""
    family, seeds = tested[0].family, max(len(one.difference.seeds) for one in tested)
    text = f"Sign-flip over seeds, Holm over {plural(family, unit)}; under six seeds {NO_INFERENCE}."
    needed = next(count for count in itertools.count(1) if family * minimal_p(count) <= ALPHA)
    if seeds < needed:
        text += f" With {plural(seeds, 'seed')} no p of this family can reach 5 % after Holm; it would take {needed}."
    return text


def short(value: JsonValue, limit: int = 24) -> str:
    text = NONE if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


# ----------------------------------------------------------------------------------------------------------- families


def by_family(training: Training, rate: Rate) -> Table:
    arms = [arm for arm in training.trained if arm.runs]
    families = list(dict.fromkeys(family for arm in arms for family in arm.families(rate.name)))
    columns = (Column("arm", "arm"), *(Column(family, family.replace("_", " "), "right") for family in families))
    rows = tuple(
        (text_cell(arm.label), *(rate_cell(arm.last_in_family(rate.name, f), training, rate) for f in families))
        for arm in arms
    )
    note = f"Over those of the last {LAST} steps that drew the family; {NONE}: none of them did."
    return Table(f"training:families:{rate.name}", f"{rate.title} in training by family", columns, rows, (note,), True)


def held_out_families(training: Training) -> list[str]:
    arms = (arm for group in training.held_out.values() for arm in group.arms.values())
    return list(dict.fromkeys(family for arm in arms for family in arm.families))


def held_out_by_family(training: Training, rate: Rate) -> Table:
    """Shows what has spread to kinds of loopholes that were not trained on."""
    families = held_out_families(training)
    columns = (Column("arm", "arm"), *(Column(family, family.replace("_", " "), "right") for family in families))
    metric = training.metric(rate)
    rows = []
    for label, group in training.held_out.items():
        cells = [spread(group.values(metric, family), bounded=True) for family in families]
        rows.append((text_cell(label), *(rate_cell(found, training, rate) for found in cells)))
    note = "Held-out items of each family: mean over seeds ± standard deviation between seeds."
    title = f"{rate.title} on held-out items by family"
    return Table(f"held_out:families:{rate.name}", title, columns, tuple(rows), (note,), detail=rate.better != "low")
