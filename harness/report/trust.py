"""The trust footer: what a sceptic needs to check the run, and the rules behind its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from harness.report.analysis import Block
from harness.report.data import TrustFooter
from harness.report.table import Cell, Column, Table
from harness.stats import ALPHA, MIN_ITEMS, mde_paired

MISSING = "not recorded"
DISCORDANCE = (0.1, 0.2)  # shares of items that change their verdict, for which a design's power is stated

COLUMNS = (Column("what", "what"), Column("value", "value"))


def recorded(footer: TrustFooter) -> Table:
    """Facts about the run as the store recorded them; what it did not record is listed as missing."""
    return Table("recorded", "Provenance", COLUMNS, tuple(line(what, value) for what, value in facts(footer)))


def facts(footer: TrustFooter) -> Iterable[tuple[str, JsonValue]]:
    yield "samples", f"{footer.planned} planned, {footer.attempted} attempted, {footer.scored} scored"
    yield "excluded", counted(footer.excluded)
    yield "command", footer.command
    yield "configuration", footer.config
    yield "stored samples", footer.samples
    yield "seeds", ", ".join(map(str, footer.seeds))
    yield "repeats per item", footer.repeats
    yield "temperature", footer.temperature
    yield "top-p", footer.top_p
    yield "coupled noise", None if footer.coupled is None else ("yes" if footer.coupled else "no")
    yield "plugins", pairs(footer.plugins)
    yield "model hashes", pairs(footer.models)
    yield "artefact hashes", pairs(footer.artefacts)
    yield "prompts digest", footer.prompts_digest
    yield "graders' self-check", pairs(footer.self_checks)
    yield "isolation", footer.isolation
    yield "workers lost", counted(footer.retries)
    yield "store asked again", "no store" if footer.store_retries is None else footer.store_retries


def line(what: str, value: JsonValue) -> tuple[Cell, Cell]:
    text = MISSING if value is None or value == "" else str(value)
    return Cell(what, what), Cell(text, value)


def counted(excluded: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {number}" for reason, number in excluded.items()) or "none"


def pairs(values: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in values.items())


def methods(blocks: Sequence[Block]) -> Table:
    """The statistical rules, and the effects that this design could have found."""
    rows = [
        line("intervals", "95 %. Rates: Wilson; over clusters or repeats, Wilson at the effective sample size with t."),
        line("", "Means: t over clusters; of a measure that is 0 or 1 in every sample, as rates."),
        line("", "Differences: t over clusters of paired differences."),
        line("cluster", "the family where six or more are pooled; else the suite's own (items of one wording or set);"),
        line("", "the item where all are in one."),
        line(
            "tests",
            "over clusters: the t of the interval, repeats averaged first. Over items: exact McNemar for a rate of",
        ),
        line("", "all samples, an exchange of arms within items for a conditional one, sign-flip for a mean."),
        line("", "several seeds: the seed is the unit, paired by seed, sign-flip; under six seeds no inference."),
        line("multiplicity", "Holm over the declared contrasts, metric by metric; per family Benjamini-Hochberg."),
        line("", f"* p < {ALPHA:g}, ** p < 0.01, *** p < 0.001, adjusted."),
        line("no inference", f"fewer than {MIN_ITEMS} items, or a least attainable p above {ALPHA:g} (2 / 2^units)."),
        line(
            "moved", "k and n: change of numerator and denominator; +a −b: samples that entered and left the numerator."
        ),
        line("unscored", "stay in the denominator of joint rates; their bounds are printed where there are any."),
    ]
    rows += [line("power", f"{block.title}: {power(block)}") for block in blocks if block.axes]
    return Table("methods", "How the numbers were made", COLUMNS, tuple(rows), detail=True)


def power(block: Block) -> str:
    """Least pooled difference that a paired comparison of this size finds."""
    items = max((arm.items for arm in block.arms), default=0)
    if not items:
        return "no samples"
    parts = []
    for discordance in DISCORDANCE:
        least = mde_paired(items, discordance)
        found = "no difference" if least is None else f"{100 * least:.1f} pp"
        parts.append(f"{found} where {100 * discordance:.0f} % of them change")
    return f"{items} items, were they independent, find with 80 % power {' and '.join(parts)}"
