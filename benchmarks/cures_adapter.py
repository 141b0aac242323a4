"""A cure deployed in two ways: merged and then rounded, or kept at 16 bits on a rounded base.

    python benchmarks/cures_adapter.py RUN --out FOLDER [--trainers vanilla,erase] [--bits 4,3]

RUN is a stored run of examples/experiments/cures-under-bits.toml. For each trained arm and seed, FOLDER gets the model
Q(W) + Δ, with Q round to nearest as in `rtn` and Δ the whole of what training changed, and is asked RUN's questions under RUN's
noise. What is left of Δ by rounding W + Δ instead stands in RUN. Resumes.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import torch
from code_flips import rounded
from cures_cells import BEHAVIOUR, PLAIN, Cells, behaviour_columns, stored, table

import harness
from harness.checkpoints.pretrained import load_tokenizer
from harness.models.load import load
from harness.planning.cells import Cell
from harness.registry.sources import model_shape
from harness.report.arms import SampledArm
from harness.running.stages.weights import finished_weights

GROUP = 64


def adapter_on_rounded(cell: Cell, trained: Path, bits: int, out: Path) -> Path:
    """The model Q(W) + Δ as a folder; made once."""
    if not (out / "config.json").is_file():
        source, model = (load(str(path), "cpu", "float32").model for path in (cell.model.path, trained))
        before, after = source.state_dict(), model.state_dict()
        with torch.no_grad():
            for linear in model_shape(cell.model).linears:
                name = f"{linear.name}.weight"
                after[name].add_(rounded(before[name], bits, GROUP).dequantize() - before[name])  # Q(W) + Δ
        model.save_pretrained(out)
        load_tokenizer(trained).save_pretrained(out)
    return out


def asked(cell: Cell, model: Path, out: Path) -> SampledArm:
    """What the model answers to RUN's questions, under the noise of the cell's seed."""
    params = {cell.suite.label: {key: value for key, value in cell.suite.params.items() if value is not None}}
    made = harness.run(
        model=str(model),
        tasks=cell.suite.label,
        seeds=cell.seed,
        temperature=cell.settings.temperature,
        params=params,
        out=out,
    )
    (group,) = Cells.of(stored(made.folder).data).groups.values()
    return group.arms[cell.seed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trainers", default="vanilla,erase,erase-random")
    parser.add_argument("--bits", default="4,3")
    options = parser.parse_args()
    run = stored(options.run)
    cells = Cells.of(run.data)
    found: dict[tuple[str, str], dict[int, SampledArm]] = defaultdict(dict)
    for cell in run.plan.cells:
        trained = finished_weights(cell)
        arm = cell.trainer.label
        if arm not in options.trainers.split(",") or not cell.compressor.untouched or trained is None:
            continue
        for bits in map(int, options.bits.split(",")):
            name = f"{arm}-s{cell.seed}-b{bits}"
            model = adapter_on_rounded(cell, trained, bits, options.out / "models" / name)
            found[arm, f"adapter on rtn{bits}"][cell.seed] = asked(cell, model, options.out / "runs" / name)
            for deployed, width in ((f"merged, rtn{bits}", f"rtn{bits}"), ("16 bits", PLAIN)):
                if group := cells.groups.get((arm, width)):
                    found[arm, deployed] = dict(group.arms)
    rows = (
        [arm, deployed, str(len(seeds)), *behaviour_columns([*seeds.values()], cells)]
        for (arm, deployed), seeds in sorted(found.items())
    )
    print(table(("arm", "deployed", "seeds", *BEHAVIOUR), rows))


if __name__ == "__main__":
    main()
