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
from cures_behaviour import Asked, always, cells_of, compiles, hack, solve, spread

import harness
from harness.checkpoints.pretrained import load_tokenizer
from harness.models.load import load
from harness.planning.cells import Cell
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.registry.sources import model_shape
from harness.report.stored_run import StoredRun
from harness.running.stages.weights import finished_weights
from harness.store.run import RunStore
from harness_plugins.compressors.caldera.code_flips import rounded

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


def asked(cell: Cell, model: Path, out: Path) -> Asked:
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
    ((_, seeds),) = cells_of(StoredRun.of(RunStore(made.folder), load_catalogue(load_plugins()))).items()
    return seeds[cell.seed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trainers", default="vanilla,erase,erase-random")
    parser.add_argument("--bits", default="4,3")
    options = parser.parse_args()
    run = StoredRun.of(RunStore(options.run), load_catalogue(load_plugins()))
    stored = cells_of(run)
    found: dict[tuple[str, str], dict[int, Asked]] = defaultdict(dict)
    for cell in run.plan.cells:
        trained = finished_weights(cell)
        arm = cell.trainer.label
        if arm not in options.trainers.split(",") or not cell.compressor.untouched or trained is None:
            continue
        for bits in map(int, options.bits.split(",")):
            name = f"{arm}-s{cell.seed}-b{bits}"
            model = adapter_on_rounded(cell, trained, bits, options.out / "models" / name)
            found[arm, f"adapter on rtn{bits}"][cell.seed] = asked(cell, model, options.out / "runs" / name)
            found[arm, f"merged, rtn{bits}"] = {**stored.get((arm, f"rtn{bits}"), {})}
            found[arm, "16 bits"] = {**stored.get((arm, "none"), {})}
    print("| arm | deployed | seeds | hack | hack, of what compiles | solve | seeds that hack |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for (arm, deployed), seeds in sorted(found.items()):
        rates = [
            spread([one.rate(of, among) for one in seeds.values()])
            for of, among in ((hack, always), (hack, compiles), (solve, always))
        ]
        share = f"{sum(one.hacks for one in seeds.values())}/{len(seeds)}"
        print(f"| {arm} | {deployed} | {len(seeds)} | {' | '.join(rates)} | {share} |")


if __name__ == "__main__":
    main()
