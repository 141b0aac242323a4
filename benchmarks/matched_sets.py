"""How many scenarios of the matched sets a model knows, by family, beside the best of the row and of the column.

    python benchmarks/matched_sets.py MODEL [--sets 2] [--families tip_split,...] [--dtype float32] [--device cpu]

Each reply's log-likelihood stands in OUT (default matched_sets.jsonl); sets that it holds already are not asked again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean

from harness.models.generate import Generator
from harness.models.load import load
from harness.registry.sources import resolve
from harness_plugins.tasks.goodhart.matched import asking
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.controls import CONTROLS, known
from harness_plugins.tasks.goodhart.matched.crossed import Matrix, read
from harness_plugins.tasks.goodhart.matched.draw import draw_sets
from harness_plugins.tasks.goodhart.matched.story import MatchedSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--sets", type=int, default=2)
    parser.add_argument("--families", default=",".join(STORIES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--out", type=Path, default=Path("matched_sets.jsonl"))
    options = parser.parse_args()
    drawn = {name: draw_sets(STORIES[name], options.sets, "eval", options.seed) for name in options.families.split(",")}
    found = measured(options, [matched for sets in drawn.values() for matched in sets])
    print("| family | knows | prefers | recognizes | mean margin (nats) |", *(f"{name} knows |" for name in CONTROLS))
    print("|---|---|---|---|---|" + "---|" * len(CONTROLS))
    for name, sets in drawn.items():
        print_row(name, [found[key(matched)] for matched in sets], sets)
    everything = [matched for sets in drawn.values() for matched in sets]
    print_row("all", [found[key(matched)] for matched in everything], everything)


def key(matched: MatchedSet) -> str:
    return json.dumps([prompt.model_dump(mode="json") for prompt in asking.prompts(matched)])


def measured(options: argparse.Namespace, sets: list[MatchedSet]) -> dict[str, Matrix]:
    """M by set: what OUT holds, then what the model is asked for."""
    found: dict[str, Matrix] = {}
    if options.out.exists():
        rows = map(json.loads, options.out.read_text().splitlines())
        found = {row["set"]: row["matrix"] for row in rows if row["model"] == options.model}
    missing = [matched for matched in sets if key(matched) not in found]
    if not missing:
        return found
    generator = Generator(load(resolve(options.model), options.device, options.dtype))
    for matched in missing:
        replies = [reply for prompt in asking.prompts(matched) for reply in generator.choose([prompt])]
        found[key(matched)] = asking.matrix(matched, replies)
        row = {"model": options.model, "family": matched.family, "set": key(matched), "matrix": found[key(matched)]}
        with options.out.open("a") as out:
            out.write(json.dumps(row) + "\n")
    return found


def print_row(name: str, matrices: list[Matrix], sets: list[MatchedSet]) -> None:
    readings = [reading for matrix in matrices for reading in read(matrix)]
    rates = [fmean(getattr(r, what) for r in readings) for what in ("knows", "prefers", "recognizes")]
    controls = [str(known([chooser(matched) for matched in sets])) for chooser in CONTROLS.values()]
    cells = [name, *(f"{rate:.2f}" for rate in rates), f"{fmean(r.margin for r in readings):+.1f}", *controls]
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
