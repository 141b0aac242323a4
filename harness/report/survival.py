"""Does what a training changed survive a compression? The difference of two differences, seed by seed.

For an arm, its base (the trainer that it is contrasted with), a compressor b and one seed:

    lasting = [rate(arm, b) − rate(base, b)] − [rate(arm, none) − rate(base, none)]

Zero: compressing moves the arm as it moves its base. It does not say which of the two has moved: where compressing takes from
the base what the arm never had, it is as large as if the arm had got it back. So the arm's own change stands beside it.

All four cells are asked the same items under the same noise, so that what the items and the seed do to all of them falls out.
A reply without a verdict counts as everywhere in the report: in the denominator of a joint rate, not in that of a conditional
one. The unit is the seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.report.analysis import Block, SeedPair
from harness.report.metrics import Metric
from harness.report.seeds import SeedComparison, SeedGroup, Spread, spread
from harness.stats import holm, sign_flip


@dataclass(frozen=True)
class Survival:
    """One arm and base under one compressor; `found.base` is their difference uncompressed, `found.other` compressed; `own` is
    rate(arm, b) − rate(arm, none)."""

    arm: SeedGroup
    base: SeedGroup
    found: SeedComparison
    own: Spread


def survivals(block: Block, metric: Metric) -> list[Survival]:
    """One for each declared contrast between trainers under a compressor that also runs under none; Holm over them all."""
    plain = {
        pair_key(pair): pair for pair in block.seed_pairs if pair.factor == "trainer" and compressor(pair) == "none"
    }
    found = []
    for pair in block.seed_pairs:
        twin = plain.get(pair_key(pair))
        if twin and pair.factor == "trainer" and compressor(pair) != "none":
            compared = difference_of_differences(twin, pair, metric)
            if compared:
                own = own_change(twin.other, pair.other, metric, compared.difference.seeds)
                found.append(Survival(pair.other, pair.base, compared, own))
    p_values = holm([1.0 if one.found.p is None else one.found.p for one in found])
    return [
        replace(one, found=replace(one.found, adjusted=p, method="Holm", family=len(found)))
        for one, p in zip(found, p_values, strict=True)
    ]


def difference_of_differences(before: SeedPair, after: SeedPair, metric: Metric) -> SeedComparison | None:
    """Over the seeds that all four cells have; None without any."""
    groups = (before.base, before.other, after.base, after.other)
    values = [group.values(metric) for group in groups]
    seeds = [seed for seed in values[0] if all(seed in known for known in values)]
    if not seeds:
        return None
    first, second = (
        {seed: values[at + 1][seed] - values[at][seed] for seed in seeds} for at in (0, 2)
    )  # arm − base, by seed
    lasting = {seed: second[seed] - first[seed] for seed in seeds}
    return SeedComparison(
        spread(first, bounded=False),
        spread(second, bounded=False),
        spread(lasting, bounded=False),
        sign_flip(np.array(list(lasting.values()))).p,
    )


def own_change(plain: SeedGroup, compressed: SeedGroup, metric: Metric, seeds: Iterable[int]) -> Spread:
    before, after = plain.values(metric), compressed.values(metric)
    return spread({seed: after[seed] - before[seed] for seed in seeds}, bounded=False)


def compressor(pair: SeedPair) -> str:
    """Of both arms, where they share it."""
    return pair.other.config[2] if pair.other.config[2] == pair.base.config[2] else ""


def pair_key(pair: SeedPair) -> Sequence[str]:
    """Model, base trainer, trainer: what a contrast is under any compressor."""
    return (pair.other.config[0], pair.base.config[1], pair.other.config[1])
