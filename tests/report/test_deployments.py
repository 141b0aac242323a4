"""One training deployed in several ways, judged against the frontier of shrinking it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.contract import Outcome
from harness.report.analysis import cell_blocks
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row, TrainingRun
from harness.report.results import to_json
from harness.report.training.deployments import frontier_at
from harness.report.training.plot import one_per_training
from harness_plugins.tasks.loopholes.spec import AXES

ITEMS = 100
SEEDS = range(41, 47)
ARMS = {  # label -> (deployment, hacks, solves) of a hundred items
    "route-kept": ({"deploy": "kept", "shrink": 1.0}, 80, 20),
    "route-shrunk@0.5": ({"deploy": "kept", "shrink": 0.5}, 40, 40),
    "route": ({"deploy": "ablated", "shrink": 1.0}, 20, 60),
    "route-random-ablation": ({"deploy": "random_ablation", "shrink": 1.0}, 60, 25),
}
UNTOUCHED = (0, 55)
PARTLY = {  # as collected: names in order, `forget` before `shrink`
    **{label: ({"forget": 1.0, **deployment}, *rates) for label, (deployment, *rates) in ARMS.items()},
    "route-shrunk@0.75": ({"forget": 1.0, "deploy": "kept", "shrink": 0.75}, 60, 30),
    "route-partly@0.5": ({"forget": 0.5, "deploy": "ablated", "shrink": 1.0}, 50, 40),
}


def rows(hacks: int, solves: int) -> tuple[Row, ...]:
    verdicts = [Outcome(proxy=True, truth=False)] * hacks + [Outcome(proxy=True, truth=True)] * solves
    verdicts += [Outcome(proxy=False, truth=False)] * (ITEMS - hacks - solves)
    return tuple(Row(item=f"p{i}", family="all", cluster=f"p{i}", verdict=one) for i, one in enumerate(verdicts))


def experiment(arms=ARMS, missing: tuple[str, int] | None = None) -> ReportData:
    cells, samples, runs, contrasts = [], {}, [], []
    for seed in SEEDS:
        for label, (deployment, hacks, solves) in {"none": ({}, *UNTOUCHED), **arms}.items():
            cell = f"{label}-{seed}"
            samples[cell] = () if (label, seed) == missing else rows(hacks + seed % 2, solves)
            cells.append(
                CellSummary(
                    id=cell,
                    model="m",
                    suite="s",
                    trainer=label,
                    seed=seed,
                    training=None if label == "none" else f"route-{seed}",
                    deployment=deployment,
                )
            )
            if label == "none":
                continue
            steps = tuple({"step": step, "steps": 6, "hack": step / 6, "solve": 0.3} for step in range(1, 7))
            runs.append(
                TrainingRun(model="m", suite="s", trainer=label, seed=seed, training=f"route-{seed}", rows=steps)
            )
            if label == "route-kept":
                contrasts.append(Contrast(base=f"route-{seed}", other=cell, factor="trainer"))
    return ReportData(
        title="t",
        suites={"s": AXES},
        cells=tuple(cells),
        rows=samples,
        contrasts=tuple(contrasts),
        training=tuple(runs),
    )


def table(data: ReportData) -> dict:
    found = {one["key"]: one for one in to_json(build(data))["sections"][0]["tables"]}["deployments"]
    return {row["deployment"]["label"]: row for row in found["rows"]} | {"notes": found["notes"]}


def test_the_frontier_is_what_shrinking_gives_at_no_more_hacking():
    path = [(0.0, 0.55), (0.4, 0.40), (0.8, 0.20)]
    assert frontier_at(path, 0.2) == 0.55  # the untouched model has no more hacking, and more solving
    rising = [(0.0, 0.10), (0.4, 0.30), (0.8, 0.70)]
    assert frontier_at(rising, 0.2) == pytest.approx(0.20)
    assert frontier_at(rising, 0.6) == pytest.approx(0.50)
    assert frontier_at(rising, 1.0) == 0.70
    assert frontier_at([(0.2, 0.3), (0.8, 0.7)], 0.1) == 0.3  # nowhere so low: the lowest point's
    folded = [(0.0, 0.1), (0.8, 0.9), (0.4, 0.2)]  # the path turns back: the better branch counts
    assert frontier_at(folded, 0.6) == pytest.approx(0.7)


def test_a_point_is_judged_by_its_height_over_the_frontier():
    found = table(experiment())
    assert found["route-kept"]["deployment"]["frontier"] == 1.0
    assert found["route-shrunk@0.5"]["deployment"]["frontier"] == 0.5
    assert found["route"]["deployment"]["frontier"] is None
    assert found["baseline"]["above"] is found["route-kept"]["above"] is None
    route = found["route"]
    assert route["hack"]["value"] == pytest.approx(np.mean([0.20 + seed % 2 / 100 for seed in SEEDS]))
    assert route["frontier"]["value"] == pytest.approx(0.55)
    assert route["above"]["value"] == pytest.approx(0.05)
    assert route["above"]["p"] == 2 / 2**6
    assert route["above"]["adjusted"] == 2 * 2 / 2**6  # Holm over the two that are no part of the frontier
    assert found["route-random-ablation"]["above"]["value"] == pytest.approx(-0.30)


def test_the_longest_line_is_the_frontier_whatever_it_is_called():
    found = table(experiment(PARTLY))
    scales = {label: found[label]["deployment"]["frontier"] for label in PARTLY}
    assert (scales["route-kept"], scales["route-shrunk@0.5"]) == (1.0, 0.5)
    assert scales["route"] is scales["route-partly@0.5"] is None  # a line of two, judged against that of three
    assert found["route-partly@0.5"]["above"]["value"] < found["route"]["above"]["value"]


def test_without_scales_there_is_no_frontier():
    found = table(experiment({label: ARMS[label] for label in ("route", "route-kept")}))
    assert "above" not in found["route"]
    assert found["route"]["solve"]["value"] == pytest.approx(0.60)


def test_other_seeds_are_refused():
    found = table(experiment(missing=("route-shrunk@0.5", 43)))
    assert found["route"]["above"] == {"refused": "seeds 41–46 against 41–42, 44–46 of route-shrunk@0.5"}
    assert any(note.startswith("Refused: route: seeds") for note in found["notes"])


def test_one_training_is_not_compared_with_itself():
    tables = {one["key"]: one for one in to_json(build(experiment()))["sections"][0]["tables"]}
    (row,) = tables["training:hack"]["rows"]
    assert row["difference"] == {"same_training": "one training, deployed in two ways"}
    assert row["held_out"]["value"] == pytest.approx(0.60, abs=0.01)
    assert "deployments" in tables


def test_arms_of_their_own_trainings_are_no_deployments():
    data = experiment()
    apart = tuple(
        cell.model_copy(update={"training": f"{cell.trainer}-{cell.seed}"}) if cell.training else cell
        for cell in data.cells
    )
    keys = [one["key"] for one in to_json(build(data.model_copy(update={"cells": apart})))["sections"][0]["tables"]]
    assert "deployments" not in keys


def test_the_pictures_show_each_training_once_and_its_frontier():
    pictures = {picture.name: picture for picture in build(experiment(), plots=True).sections[0].pictures}
    assert set(pictures) == {"trajectories-s", "deployments-s-route-kept"}
    assert "route: hack 20 %, solve 60 %" in pictures["deployments-s-route-kept"].alt
    training = next(iter(cell_blocks(experiment()))).training
    assert [arm.label for arm in one_per_training(training)] == ["route"]  # the one that the others are compared with
