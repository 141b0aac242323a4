"""What is left of a cure's change of weights after rounding, and whether that says what the arm does then.

    python benchmarks/cures_weights.py RUN [--bits 8,4,3,2] [--rows cures-weights.jsonl]

RUN is a stored run of examples/experiments/cures-under-bits.toml; the trained weights are read from its cache. Per arm, mean
over seeds: median and 99th percentile of |Δ| / step, share of codes that flip (predicted; counted on the source's grid; counted
with each version's own scales), and the cosine of the change that arrives with the change that was trained, beside that of the
same changes permuted within each Linear. Then the rank correlation, over arms and seeds of one width, of these with how far the
hack rate moved.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import torch
from code_flips import code_flips, permuted
from cures_cells import Cells, stored
from scipy.stats import spearmanr

from harness.models.load import load
from harness.registry.sources import model_shape
from harness.report.stored_run import StoredRun
from harness.running.stages.weights import finished_weights

SHOWN = ("step_0.5", "step_0.99", "flips_predicted", "flips_fixed", "flips_adaptive", "cos_fixed", "cos_adaptive")
Measured = dict[str, float | int | str]


def measured(run: StoredRun, widths: Sequence[int]) -> Iterable[Measured]:
    """One row for each trained arm, seed and width; what was not trained yet is left out."""
    for cell in run.plan.cells:
        folder = finished_weights(cell)
        if cell.trainer.untouched or not cell.compressor.untouched or folder is None:
            continue
        names = [linear.name for linear in model_shape(cell.model).linears]
        before, after = (linears(path, names) for path in (Path(cell.model.path), folder))
        placebo = permuted(before, after, cell.seed)
        for bits in widths:
            row: Measured = {"trainer": cell.trainer.label, "seed": cell.seed, "bits": bits}
            random = code_flips(before, placebo, bits).rows()
            yield {**row, **code_flips(before, after, bits).rows(), **{f"permuted_{k}": v for k, v in random.items()}}


def linears(folder: Path, names: Sequence[str]) -> dict[str, torch.Tensor]:
    weights = load(str(folder), "cpu", "float32").model.state_dict()
    return {name: weights[f"{name}.weight"] for name in names}


def table(rows: Sequence[Measured]) -> Iterable[str]:
    yield f"| arm | bits | seeds | {' | '.join(SHOWN)} | permuted cos_adaptive |"
    yield f"| --- | ---: | ---: | {'---: | ' * (len(SHOWN) + 1)}"
    grouped: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for row in rows:
        grouped[str(row["trainer"]), int(row["bits"])].append(row)
    for (trainer, bits), found in grouped.items():
        means = [f"{fmean(float(row[key]) for row in found):.3f}" for key in (*SHOWN, "permuted_cos_adaptive")]
        yield f"| {trainer} | {bits} | {len(found)} | {' | '.join(means)} |"


def correlations(run: StoredRun, rows: Sequence[Measured]) -> Iterable[str]:
    """Spearman's ρ over (arm, seed) between a predictor and |hack(arm, rtn b) − hack(arm, 16)|; seeds of one arm are not
    independent of each other's arm, so its p would be too small, and none is told."""
    cells = Cells.of(run.data)
    yield "| bits | arms × seeds | " + " | ".join(f"ρ of {key}" for key in SHOWN) + " |"
    yield f"| ---: | ---: | {'---: | ' * len(SHOWN)}"
    for bits in dict.fromkeys(int(row["bits"]) for row in rows):
        changes = {arm: cells.change(arm, f"rtn{bits}", cells.hack) for arm in cells.trainers}
        moved, predictors = [], []
        for row in rows:
            change = changes.get(str(row["trainer"]), {}).get(int(row["seed"]))
            if row["bits"] == bits and change is not None:
                moved.append(abs(change))
                predictors.append([float(row[key]) for key in SHOWN])
        if len(moved) > 3:
            found = [spearmanr(column, moved).statistic for column in zip(*predictors, strict=True)]
            yield f"| {bits} | {len(moved)} | {' | '.join(f'{rho:+.2f}' for rho in found)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--bits", default="8,4,3,2")
    parser.add_argument("--rows", type=Path, help="Where every arm, seed and width goes, as JSONL.")
    options = parser.parse_args()
    run = stored(options.run)
    rows = list(measured(run, [int(bits) for bits in options.bits.split(",")]))
    if options.rows:
        options.rows.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print("\n".join(table(rows)), end="\n\n")
    print("\n".join(correlations(run, rows)))


if __name__ == "__main__":
    main()
