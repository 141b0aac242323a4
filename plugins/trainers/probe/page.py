"""The probe's findings as a report: checks first, then what they were measured on. Imports no torch."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import mean, stdev
from typing import TYPE_CHECKING

from pydantic import JsonValue

from harness.report.table import Cell, Column, Report, Section, Table, text_cell
from harness.store.teacher_pool import Pool
from harness_plugins.trainers.probe.checks import Check, Context
from harness_plugins.trainers.probe.statistics import OneSidedTest

if TYPE_CHECKING:
    from harness_plugins.trainers.probe.run import Probed

DASH = "–"


def report(model: str, pool: Pool, probed: Probed) -> Report:
    sections = (
        Section("checks", "Checks", (_checks(probed.checks),), notes=_check_notes()),
        Section("pool", "The pool", (_pool(pool), _cosines(probed))),
        Section("context", "Does the direction tell hacks from honest solutions?", (_contexts(probed),)),
        Section("replay", "Projected replay", (_steps(probed),)),
    )
    return Report(f"distillation probe · {model}", sections, _notes(pool, probed))


def _checks(checks: Sequence[Check]) -> Table:
    columns = tuple(Column(name, name) for name in ("check", "question", "verdict", "measured"))
    rows = tuple(
        (
            text_cell(c.name),
            text_cell(c.question),
            text_cell(c.verdict),
            Cell("\n".join(filter(None, (c.measured, c.note))), c.measured),
        )
        for c in checks
    )
    return Table("checks", "Checks", columns, rows)


def _check_notes() -> tuple[str, ...]:
    return (
        "Thresholds are those of the published experiment. “Not measurable” is not a pass: the data cannot decide.",
        "R3 compares gradients before and after a projection that removes what R3 measures; the second row compares the "
        "steps that the optimiser made of them.",
    )


def _pool(pool: Pool) -> Table:
    names = ("mode", "items", "drawn", "cut short", "kept", "hack", "hack and correct", "solve")
    columns = tuple(Column(name.replace(" ", "_"), name, "left" if name == "mode" else "right") for name in names)
    rows = []
    for rate in pool.header.rates:
        counts = (rate.items, rate.drawn, rate.truncated, rate.kept, rate.hack, rate.hack_and_correct, rate.solve)
        rows.append((text_cell(rate.family), *(Cell(str(count), count) for count in counts)))
    return Table("rates", "What the checkpoint answered", columns, tuple(rows))


def _cosines(probed: Probed) -> Table:
    from harness_plugins.trainers.probe.run import class_of

    columns = (
        Column("class", "replies"),
        Column("probed", "probed", "right"),
        Column("tokens", "tokens", "right"),
        Column("cosine", "cosine with the direction", "right"),
    )
    groups = defaultdict(list)
    for row in probed.rows:
        groups[class_of(row.row)].append(row)
    rows = []
    for kind, (seen, there) in probed.counts.items():
        values = [row.cosine for row in groups[kind] if math.isfinite(row.cosine)]
        spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
        cosine = Cell(f"{mean(values):+.4f}{spread}", mean(values)) if values else Cell(DASH)
        tokens = [row.tokens for row in groups[kind]]
        length = Cell(f"{mean(tokens):.0f}", mean(tokens)) if tokens else Cell(DASH)
        rows.append((text_cell(kind), Cell(f"{seen} of {there}", seen), length, cosine))
    return Table("cosines", "Cosine of each reply's NLL gradient, mean ± standard deviation", columns, tuple(rows))


def _contexts(probed: Probed) -> Table:
    columns = (
        Column("directions", "directions"),
        Column("plain", "t", "right"),
        Column("held", "t, length and mode held", "right"),
        Column("length", "rank correlation with length", "right"),
    )
    rows = [_context_row(name, one) for name, one in probed.contexts.items() if not name.startswith("Haar")]
    haar = [one for name, one in probed.contexts.items() if name.startswith("Haar")]
    if haar:
        rows.append(_haar_row(haar))
    notes = (
        "Hacks against honest solutions; t of Welch, and of a regression on log length and mode clustered by item.",
    )
    return Table("context", "Hacks above honest solutions", columns, tuple(rows), notes)


def _context_row(name: str, one: Context) -> tuple[Cell, ...]:
    length = Cell(DASH) if one.length is None else Cell(f"{one.length:+.2f}", one.length)
    return text_cell(name), _t(one.plain), _t(one.held), length


def _t(found: OneSidedTest | None) -> Cell:
    if found is None:
        return Cell(DASH)
    value: dict[str, JsonValue] = {"t": found.t, "p": found.p, "n": list(found.counts)}
    return Cell(f"{found.t:+.2f}  ({found.counts[0]} / {found.counts[1]})", value)


def _haar_row(haar: list[Context]) -> tuple[Cell, ...]:
    """Random directions: the range of t over draws, which is what a t here has to be compared with."""

    def spread(values: list[float]) -> Cell:
        if not values:
            return Cell(DASH)
        return Cell(f"{min(values):+.2f} … {max(values):+.2f}", [min(values), max(values)])

    plain = [one.plain.t for one in haar if one.plain]
    held = [one.held.t for one in haar if one.held]
    return (
        text_cell(f"Haar-random, {len(haar)} draws (lowest … highest)"),
        spread(plain),
        spread(held),
        spread([one.length for one in haar if one.length is not None]),
    )


def _steps(probed: Probed) -> Table:
    keys = ("cos_in", "cos_out", "plain", "applied", "fired")
    titles = ("gradient", "gradient projected", "Adam's step", "Adam's step projected", "fired")
    columns = (Column("step", "step", "right"), *(Column(k, t, "right") for k, t in zip(keys, titles, strict=True)))
    rows = tuple(
        (Cell(str(n), n), *(Cell(f"{getattr(step, key):.4f}", getattr(step, key)) for key in keys))
        for n, step in enumerate(probed.steps, start=1)
    )
    return Table("steps", "Hack-ward cosine at each step, mean over modules", columns, rows)


def _notes(pool: Pool, probed: Probed) -> tuple[str, ...]:
    made = pool.header.made_by
    model = str(made.get("model", "")).rpartition("/")[2]
    source = f"rollouts of {model} ({str(made['digest'])[:12]})" if made else "templates of the suite"
    o = probed.options
    return (
        f"Pool: {pool.header.suite}, {source}; {len(pool.rows)} distinct replies, at most {o.rows} of each class probed.",
        f"Directions: pairs {o.pairs}, SVD, k = {o.k}, {o.adapter} adapter; agreement on held-out pairs "
        f"{probed.agreement:.2f}. Cosines are with each module's first direction.",
        f"R7: directions from {probed.contrastive_groups} items of the pool, tested on the others.",
    )
