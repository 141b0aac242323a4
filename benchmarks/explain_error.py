"""How often the `explain` reading errs against two readers' labels, per model.

    python benchmarks/explain_error.py --replies R.jsonl --first A.jsonl --second B.jsonl [--third C.jsonl] [--sealed]

Several files may follow each option; docs/how-to/grader-error.md describes them. The sealed half is counted only when
asked for: once, by a grader that is not changed any more. `--write FILE` then keeps its error for the suite's reports.
`--apart` names models that were taught the suite's own words: they are counted by themselves, and not in "all".
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from harness import Confusion, GraderError, Item, Reply
from harness.errors import UsageError
from harness.report.numbers import bracket, fraction, percent
from harness.stats import kappa, kappa_interval, rate_interval
from harness.store.files import read_jsonl, write_json
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings import explain
from harness_plugins.tasks.goodhart.spec import EXPLAIN, SPEC, GoodhartParams

HALVES = ("development", "sealed")


@dataclass(frozen=True)
class Judged:
    """One reply: what the grader says, and what the readers agreed on."""

    model: str
    half: str
    cluster: str  # its matched set
    verdict: bool
    label: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=Path, nargs="+", required=True)
    parser.add_argument("--first", type=Path, nargs="+", required=True)
    parser.add_argument("--second", type=Path, nargs="+", required=True)
    parser.add_argument("--third", type=Path, nargs="+", default=[])
    parser.add_argument("--apart", nargs="*", default=[])
    parser.add_argument("--source", default="docs/results/explain-error.md")
    parser.add_argument("--sealed", action="store_true")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    first, second, third = map(labels, (options.first, options.second, options.third))
    replies = {row["id"]: row for path in options.replies for row in read_jsonl(path)}
    both = [name for name in replies if name in first and name in second]
    settled = {name: label for name in both if (label := settle(name, first, second, third)) is not None}
    print_agreement(both, first, second, third, len(replies))
    params = GoodhartParams(understanding="all")
    judged = [judge(replies[name], label, params) for name, label in settled.items()]
    for half in HALVES if options.sealed else HALVES[:1]:
        print_half(half, [one for one in judged if one.half == half], options.apart)
    if options.sealed and options.write:
        sealed = [one for one in judged if one.half == "sealed"]
        error = GraderError(
            by_model={name: confusion(of_model(sealed, name)) for name in models(sealed)},
            apart=tuple(options.apart),
            under={"grader": ("strict",), "understanding": tuple(matched_values())},
            kappa=kappa(answers(both, first), answers(both, second)),
            kappa_interval=kappa_interval(answers(both, first), answers(both, second)),
            source=options.source,
        )
        write_json(options.write, error.model_dump(mode="json"))


def labels(paths: Iterable[Path]) -> dict[str, bool]:
    """Raises UsageError for a reply that one reader labelled twice, and differently."""
    found: dict[str, bool] = {}
    for path in paths:
        for row in read_jsonl(path):
            if found.setdefault(row["id"], row["understands"]) != row["understands"]:
                raise UsageError(f"{path} labels {row['id']} twice, and differently", "decide, and remove one line")
    return found


def settle(name: str, *readers: Mapping[str, bool]) -> bool | None:
    """The label that two of the readers gave; None where they differ and nobody decided."""
    given = [reader[name] for reader in readers if name in reader]
    return next((label for label in (True, False) if given.count(label) >= 2), None)


def judge(row: Mapping[str, Any], label: bool, params: GoodhartParams) -> Judged:
    data = {name: row[name] for name in ("params", "wording", "cell")}
    item = Item(id=row["id"], family=row["family"], cluster=f"set{row['set']}", data=data)
    verdict = explain.verdict(Twin.of(item), {explain.ROLE: Reply(text=row["reply"])}, params)
    half = HALVES[row["set"] % 2]
    return Judged(row["model"], half, f"{row['family']}/{row['set']}", verdict.holds, label)


def matched_values() -> Iterable[str]:
    """The values of `understanding` under which an explanation of a matched set's scenario is read."""
    for value in get_args(GoodhartParams.model_fields["understanding"].annotation):
        if EXPLAIN in SPEC.readings["understanding"][value] and GoodhartParams(understanding=value).matched:
            yield value


def answers(names: Sequence[str], reader: Mapping[str, bool]) -> list[bool]:
    return [reader[name] for name in names]


def models(judged: Sequence[Judged]) -> list[str]:
    return sorted({one.model for one in judged})


def of_model(judged: Sequence[Judged], name: str) -> list[Judged]:
    return [one for one in judged if one.model == name]


def confusion(judged: Sequence[Judged]) -> Confusion:
    return Confusion.of((one.verdict, one.label) for one in judged)


def print_agreement(
    both: Sequence[str], first: dict[str, bool], second: dict[str, bool], third: dict[str, bool], replies: int
) -> None:
    one, two = answers(both, first), answers(both, second)
    differ = [name for name in both if first[name] != second[name]]
    value, limits = kappa(one, two), kappa_interval(one, two)
    print(f"{replies} replies, {len(both)} read by both readers; they agree on {len(both) - len(differ)}, ", end="")
    print("κ undefined" if value is None else f"κ = {value:.3f} {bracket(limits, 1, 3)}", end="; ")
    undecided = sum(name not in third for name in differ)
    print(f"a third decided {len(differ) - undecided} of the {len(differ)} others, {undecided} are left out.")


def print_half(half: str, judged: Sequence[Judged], apart: Sequence[str]) -> None:
    print(f"\n{half} half\n\n| model | labels | yes | precision | recall | specificity |\n|---|---|---|---|---|---|")
    pooled = f"all but {', '.join(apart)}" if apart else "all"
    for name in (*models(judged), pooled):
        of_all = [one for one in judged if one.model not in apart]
        chosen = of_all if name == pooled else of_model(judged, name)
        yes = sum(one.label for one in chosen)
        cells = (
            share(chosen, lambda one: one.verdict, lambda one: one.label),
            share(chosen, lambda one: one.label, lambda one: one.verdict),
            share(chosen, lambda one: not one.label, lambda one: not one.verdict),
        )
        print(f"| {name} | {len(chosen)} | {yes} | {' | '.join(cells)} |")


def share(judged: Sequence[Judged], among: Callable[[Judged], bool], holds: Callable[[Judged], bool]) -> str:
    """With its interval, the matched set being the unit."""
    kept = [one for one in judged if among(one)]
    if not kept:
        return "–"
    numbers = {name: i for i, name in enumerate(dict.fromkeys(one.cluster for one in kept))}
    right = np.array([float(holds(one)) for one in kept])
    interval = rate_interval(right, np.ones(len(kept)), np.array([numbers[one.cluster] for one in kept]))
    return f"{percent(right.mean())} {fraction(right.sum(), len(kept))} {bracket(interval)}"


if __name__ == "__main__":
    main()
