"""What several models' runs of one suite say about the same items, side by side and paired.

    python benchmarks/models_side_by_side.py RUN RUN [RUN…] [--measures prefers,recognizes,margin] [--items 28]

Each RUN is a folder with one cell of the same suite, the models in the order of their capability. For every rate and measure:
each model's value with its interval, the differences between models, item by item, with intervals, and p from exchanging the
two models within units. Families are the unit where the claim is about models on such families; matched sets are the unit
where it is about these families only. Then the families one by one. `--items N` keeps the first N items of each family.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from harness.contract import Outcome
from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.report.arms import clusters_of, estimate, number
from harness.report.collect import rows_of
from harness.report.compare import match
from harness.report.data import Row
from harness.report.numbers import bracket, p_value, plain, signed
from harness.report.shelf import Alike
from harness.stats import Interval, paired_difference, sign_flip
from harness.stats.arrays import group_sums
from harness.stats.intervals import t_quantile
from harness.store.run import RunStore

Rows = tuple[Row, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--measures", default="prefers,recognizes,margin")
    parser.add_argument("--items", type=int)
    options = parser.parse_args()
    read = dict(read_run(folder, options.items) for folder in options.runs)
    shared = set.intersection(*({row.item for row in rows} for rows in read.values()))
    models = {name: tuple(row for row in rows if row.item in shared) for name, rows in read.items()}
    names = ["understanding", "execution", *options.measures.split(",")]
    print(f"{len(shared)} items that all runs have\n")
    print_values(models, names)
    print_differences(models, names)
    print_families(models)


def read_run(folder: Path, items: int | None) -> tuple[str, Rows]:
    """(model, its rows). UsageError where the run has several cells."""
    store = RunStore(folder)
    cells = Plan.of(store).cells
    if len(cells) != 1:
        raise UsageError(f"{folder} has {len(cells)} cells", "name runs of one model, one suite and no compressor")
    rows = rows_of(cells[0], store.cell(cells[0].id), Alike())
    return Path(cells[0].model.name).name, tuple(
        row for row in rows if items is None or int(row.item.rsplit("/", 1)[1]) < items
    )


def value(row: Row, name: str) -> float:
    """An errored sample shows nothing: it counts as 0."""
    if not isinstance(row.verdict, Outcome):
        return 0.0
    verdicts = {"understanding": row.verdict.proxy, "execution": row.verdict.truth}
    return float(verdicts[name]) if name in verdicts else row.verdict.measures[name]


def print_values(models: dict[str, Rows], names: Sequence[str]) -> None:
    print("| |", " | ".join(models), "|")
    print("|---" * (1 + len(models)) + "|")
    for name in names:
        cells = []
        for rows in models.values():
            found = estimate(rows, lambda row: (value(row, name), 1.0), rate=name != "margin")  # noqa: B023
            cells.append(f"{plain(found.value or 0, 3)} {bracket(found.interval, 1, 3)}")
        print(f"| {name} |", " | ".join(cells), "|")


def print_differences(models: dict[str, Rows], names: Sequence[str]) -> None:
    print("\n| difference | | Δ | by family | p | these families | p, by set |")
    print("|---" * 7 + "|")
    for (base, base_rows), (other, other_rows) in combinations(models.items(), 2):
        pairs, _ = match(base_rows, other_rows)
        for name in names:
            print(f"| {other} − {base} | {name} |", " | ".join(difference(pairs, name)), "|")


def difference(pairs: Sequence[tuple[Row, Row]], name: str) -> Iterator[str]:
    before, after = (np.array([value(row, name) for row in side]) for side in zip(*pairs, strict=True))
    ones, first = np.ones(len(pairs)), [row for row, _ in pairs]
    families, _ = clusters_of(first)
    found = paired_difference(before, ones, after, ones, families, rate=name != "margin")
    assert found is not None
    yield signed(found.delta, 3)
    yield bracket(found.interval, 1, 3, sign=True)
    gaps = after - before
    yield p_value(sign_flip(group_sums(gaps[:, None], families)[:, 0]).p)
    sets = number([(row.family, row.cluster) for row in first])
    yield bracket(within_families(gaps, families, sets), 1, 3, sign=True)
    yield p_value(sign_flip(group_sums(gaps[:, None], sets)[:, 0]).p)


def within_families(gaps: np.ndarray, families: np.ndarray, sets: np.ndarray) -> Interval | None:
    """Of the mean gap, the families held fixed: the t interval over sets, each against its family's own mean.

    None where families have one set each. Degrees of freedom: sets less families.
    """
    own = group_sums(gaps[:, None], families)[:, 0] / np.bincount(families)
    strata = families[np.unique(sets, return_index=True)[1]]  # (G,) the family of each set
    count, groups = np.bincount(strata), len(strata)
    if count.min() < 2:
        return None
    residual = group_sums((gaps - own[families])[:, None], sets)[:, 0] / len(gaps)  # (G,)
    variance = float(np.sum(residual**2 * (count / (count - 1))[strata]))
    half = t_quantile(0.975, groups - len(count)) * variance**0.5
    return Interval(float(gaps.mean()) - half, float(gaps.mean()) + half)


def print_families(models: dict[str, Rows]) -> None:
    """Known of asked, and the mean smallest margin."""
    print("\n| family |", " | ".join(models), "|")
    print("|---" * (1 + len(models)) + "|")
    for family in dict.fromkeys(row.family for rows in models.values() for row in rows):
        cells = []
        for rows in models.values():
            own = [row for row in rows if row.family == family]
            known = sum(value(row, "understanding") for row in own)
            margin = np.mean([value(row, "margin") for row in own])
            cells.append(f"{known:g} of {len(own)} · {signed(float(margin), 2)}")
        print(f"| {family} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
