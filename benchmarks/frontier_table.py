"""The table of docs/results/frontier.md, and its plot, from a run's report.

    python benchmarks/frontier_table.py RUN [--names NAME=WORDS …] [--plot frontier.svg]

RUN was made by `harness run benchmarks/frontier_smollm2.toml` and has been reported. An arm is on the front, and stands in
bold, if none of its size or smaller diverges less. `--names` says what an arm is called: the folders behind
`quantized@FOLDER` have names that tell a reader nothing.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
MARKERS = "osD^vP*X<"  # nine of them and ten colours: no two methods look alike
HEADER = """\
| arm | bits/weight | KL, nats a token | KL of the base to it | same top token | log perplexity ratio | knows, of {n} | does, of {n} | margin of the answer, nats | right → wrong, wrong → right |
|---|---|---|---|---|---|---|---|---|---|"""  # noqa: E501


@dataclass(frozen=True)
class Arm:
    """One compressor of the run: its rows of the tables of both suites."""

    name: str
    bits: float | None  # None: the untouched model
    fidelity: Row
    goodhart: Row
    flips: Row | None
    words: str

    @property
    def size(self) -> float:
        return self.bits or 0.0

    @property
    def divergence(self) -> Row:
        found: Row = self.fidelity["KL_divergence"]
        return found


def arms(report: Mapping[str, Any], names: Mapping[str, str]) -> list[Arm]:
    """By size, then by divergence; the untouched model first."""
    tables = {(s["key"], table["key"]): table["rows"] for s in report["sections"] for table in s["tables"]}

    def rows(suite: str, *keys: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for key in keys:
            for row in tables.get((suite, key), ()):
                found.setdefault(row["configuration"], {}).update(row)
        return found

    fidelity, goodhart = (rows(suite, "headline", "results", "results-2") for suite in ("fidelity", "goodhart7"))
    flips = {row["contrast"].removesuffix(" vs baseline"): row for row in tables["goodhart7", "flips"]}
    made = [
        Arm(name, row["bits_per_weight"], row, goodhart[name], flips.get(name), names.get(name, name))
        for name, row in fidelity.items()
    ]
    return sorted(made, key=lambda arm: (round(arm.size, 2), arm.divergence["value"]))


def front(ordered: Sequence[Arm]) -> list[Arm]:
    """The compressed arms, given by size, than which none of their size or smaller diverges less."""
    best: list[Arm] = []
    for arm in ordered:
        if arm.bits is not None and (not best or arm.divergence["value"] < best[-1].divergence["value"]):
            best.append(arm)
    return best


def table(ordered: Sequence[Arm]) -> Iterator[str]:
    best = {arm.name for arm in front(ordered)}
    count = ordered[0].goodhart["understanding"]["n"]
    yield HEADER.format(n=count)
    for arm in ordered:
        whole = arm.bits is None
        words = "untouched" if whole else f"**{arm.words}**" if arm.name in best else arm.words
        cells = [
            words,
            "–" if whole else f"{arm.bits:.2f}",
            "0" if whole else measured(arm.divergence, 3),
            "0" if whole else f"{arm.fidelity['reverse_KL']['value']:.3f}",
            f"{arm.fidelity['same_top_token']['value']:.3f}",
            "0" if whole else f"{arm.fidelity['log_perplexity_ratio']['value']:.3f}",
            str(arm.goodhart["understanding"]["k"]),
            str(arm.goodhart["execution"]["k"]),
            measured(arm.goodhart["answer_margin"], 2),
            f"{arm.flips['lost']}, {arm.flips['gained']}" if arm.flips else "",
        ]
        yield f"| {' | '.join(cells)} |"


def measured(estimate: Row, digits: int) -> str:
    low, high = estimate["interval"]
    return f"{estimate['value']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def family(words: str) -> str:
    """The method without its width, as the legend names it: gptq2 and gptq2-g32 are both gptq."""
    return re.sub(r"@?\d+(\.\d+)?(-g\d+)?", "", words, count=1)


def plot(ordered: Sequence[Arm], path: Path) -> None:
    """Divergence (a logarithmic axis, with its interval) against size; the front is a staircase."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    panel = figure.subplots()
    best = front(ordered)
    panel.step(
        [arm.size for arm in best], [arm.divergence["value"] for arm in best], "-", where="post", color="#999999"
    )
    methods: dict[str, list[Arm]] = {}
    for arm in ordered:
        if arm.bits is not None:
            methods.setdefault(family(arm.words), []).append(arm)
    for number, (method, of_it) in enumerate(methods.items()):
        found = [arm.divergence for arm in of_it]
        below, above = zip(
            *((d["value"] - d["interval"][0], d["interval"][1] - d["value"]) for d in found), strict=True
        )
        panel.errorbar(
            [arm.size for arm in of_it], [d["value"] for d in found], [below, above], label=method,
            fmt=MARKERS[number % len(MARKERS)], color=f"C{number % 10}", markersize=4, linestyle="none",
        )  # fmt: skip
    panel.set_yscale("log")
    panel.set_xlabel("bits a weight, all that is stored", fontsize=8)
    panel.set_ylabel("KL divergence, nats a token", fontsize=8)
    panel.tick_params(labelsize=7)
    panel.legend(fontsize=7, frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--names", nargs="*", default=[], metavar="NAME=WORDS")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    report = json.loads((options.run / "report" / "results.json").read_text(encoding="utf-8"))
    ordered = arms(report, dict(pair.split("=", 1) for pair in options.names))
    print("\n".join(table(ordered)))
    if options.plot:
        plot(ordered, options.plot)


if __name__ == "__main__":
    main()
