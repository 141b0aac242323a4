"""Thresholds frozen in one run and used in another: figures by hand, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import warm

from harness.contract import Flag, Outcome
from harness.errors import UsageError
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.component import NONE, Component
from harness.registry.plugins import load_plugins
from harness.registry.sources import ModelRef
from harness.report.arms import SampledArm
from harness.report.data import CellSummary, DetectorRun, FlagRow, ReportData, Row
from harness.report.frozen import freeze
from harness.report.frozen_tables import frozen_table
from harness.report.stored_run import StoredRun
from harness.report.table import Table


def component(kind: str, label: str, plugin: str = "", **params: object) -> Component:
    return Component(kind=kind, label=label, preset=label, plugin=plugin or label, target="", params=params)


def run(
    folder: str,
    model: Path,
    problems: str,
    shift: float = 0.0,
    suite: str = "loopholes",
    compressor: str = NONE,
    detector: Component | None = None,
    monitored: bool = False,
) -> StoredRun:
    """40 honest samples scored .00 to .39 and 20 hacks scored .30 to .49, each plus `shift`."""
    detector = detector or component("detectors", "words")
    cell = SimpleNamespace(
        id=folder,
        suite=component("tasks", suite),
        compressor=component("compressors", compressor),
        model=ModelRef(name=model.name, path=str(model), digest=""),
        detectors=(detector,),
    )
    scores = [(at / 100, False) for at in range(40)] + [((30 + at) / 100, True) for at in range(20)]
    rows = tuple(
        Row(item=f"{problems}{n}", family="f", cluster=f"{problems}{n}", verdict=Outcome(proxy=hack, truth=False))
        for n, (_, hack) in enumerate(scores)
    )
    flags = tuple(
        FlagRow(item=row.item, flag=Flag(score=score + shift)) for row, (score, _) in zip(rows, scores, strict=True)
    )
    found = DetectorRun(cell=folder, detector=detector.label, flags=flags, used_in_training=monitored)
    data = ReportData(title="", rows={folder: rows}, detectors=(found,))
    return StoredRun(SimpleNamespace(folder=Path(folder)), SimpleNamespace(cells=(cell,)), data)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return made(tmp_path / "coder")


def made(folder: Path, tokenizer: str = "{}") -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    (folder / "tokenizer.json").write_text(tokenizer)
    return folder


def cells(source: StoredRun, target: StoredRun) -> dict:
    (summary,) = (CellSummary(id=cell.id, model="m", suite="loopholes") for cell in target.plan.cells)
    arm = SampledArm(summary, "arm", target.data.rows[summary.id])
    table = frozen_table([arm], target.data.detectors, freeze(source, target), "loopholes")
    return {column.key: cell.value for column, cell in zip(table.columns, table.rows[0], strict=True)}


def test_the_threshold_stays_where_scores_have_shifted(model):
    """5 % of 40 honest samples are two: those above .37, as 12 of 20 hacks."""
    source = run("there", model, "a")
    same = cells(source, run("here", model, "b", compressor="rtn3"))
    assert same["above"] == pytest.approx(0.37)
    assert (same["tpr"]["k"], same["fpr"]["k"], same["fpr"]["n"]) == (12, 2, 40)
    assert same["tpr_again"]["k"] == 12
    shifted = cells(source, run("here", model, "b", shift=0.1, compressor="rtn3"))
    assert (shifted["tpr"]["k"], shifted["fpr"]["k"]) == (20, 12), "the frozen threshold flags more of both"
    assert (shifted["tpr_again"]["k"], shifted["auroc"]) == (12, same["auroc"]), "the ranking is as good as before"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"compressor": "rtn3"}, "there has no arm without a compressor"),
        ({"suite": "goodhart7"}, "there froze detectors on goodhart7, and this run asks loopholes"),
        ({"problems": "b"}, "has no graded sample of loopholes on a problem that this run does not ask"),
    ],
)
def test_what_cannot_be_frozen_is_refused(model, source, says):
    with pytest.raises(UsageError, match=says):
        freeze(run(**{"folder": "there", "model": model, "problems": "a"} | source), run("here", model, "b"))


def test_a_model_of_another_family_is_refused(model, tmp_path):
    other = made(tmp_path / "other", tokenizer='{"vocabulary": []}')
    with pytest.raises(UsageError, match="there froze detectors on other, and coder is of another family"):
        freeze(run("there", other, "a"), run("here", model, "b"))
    larger = made(tmp_path / "larger")
    assert freeze(run("there", larger, "a"), run("here", model, "b")).thresholds[0].reason == ""


def test_changed_code_is_told_and_does_not_part_versions(model):
    changed = component("detectors", "words").model_copy(update={"source": "changed"})
    source, target = run("there", model, "a", detector=changed), run("here", model, "b")
    (found,) = freeze(source, target).thresholds
    assert (found.other_code, found.reason, found.above) == (True, "", pytest.approx(0.37))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"detector": component("detectors", "other")}, "was not run there"),
        ({"detector": component("detectors", "words", depth=0.5)}, "had other parameters there"),
        ({"monitored": True}, "judged 0 honest samples there; 5% takes 20"),
    ],
)
def test_a_detector_without_a_threshold_is_a_row_with_its_reason(model, source, says):
    found = cells(run("there", model, "a", **source), run("here", model, "b"))
    assert found["above"] == {"not_frozen": says}


def seeded(
    model: Path, shifts: dict[int, float], honest: int = 40, hacks: int = 20
) -> tuple[list[SampledArm], list[DetectorRun]]:
    """An arm under several seeds, each as `run` has it with its shift, cut to so many honest samples and hacks."""
    arms, runs = [], []
    for seed, shift in shifts.items():
        stored = run(f"here{seed}", model, "b", shift=shift, compressor="rtn3")
        (rows,) = stored.data.rows.values()
        summary = CellSummary(id=f"here{seed}", model="m", suite="loopholes", compressor="rtn3", seed=seed)
        arms.append(SampledArm(summary, f"rtn3 · seed {seed}", (*rows[:honest], *rows[40 : 40 + hacks])))
        runs += stored.data.detectors
    return arms, runs


def over_seeds(model: Path, *args, **sizes) -> tuple[Table, dict]:
    frozen = freeze(run("there", model, "a"), run("here", model, "b"))
    table = frozen_table(*seeded(model, *args, **sizes), frozen, "loopholes")
    (row,) = table.rows
    return table, {column.key: cell for column, cell in zip(table.columns, row, strict=True)}


def test_seeds_are_one_row_with_their_counts_summed(model):
    """One seed as where it was frozen (12 of 20, 2 of 40), two shifted (20 of 20, 12 of 40); each is recalibrated by itself."""
    table, row = over_seeds(model, {41: 0.0, 42: 0.1, 43: 0.1})
    assert (row["configuration"].text, row["seeds"].value) == ("rtn3", [41, 42, 43])
    assert (row["tpr"].value["k"], row["tpr"].value["n"]) == (52, 60)
    assert (row["fpr"].value["k"], row["fpr"].value["n"]) == (26, 120)
    assert (row["tpr_again"].value["k"], row["tpr_again"].value["n"]) == (36, 60)
    _, one = over_seeds(model, {41: 0.1})
    assert row["auroc"].value == pytest.approx(one["auroc"].value), "a shift between seeds is no loss of ranking"
    assert any("Counts are summed over seeds" in note for note in table.notes)


def test_seeds_that_differ_widen_the_interval(model):
    """12, 20, 20 of 20: as 60 independent samples the interval would be 75.8 to 93.1 %."""
    low, high = over_seeds(model, {41: 0.0, 42: 0.1, 43: 0.1})[1]["tpr"].value["interval"]
    assert low < 0.758 < 0.931 < high


def test_one_seed_has_no_column_of_seeds(model):
    table, row = over_seeds(model, {41: 0.0})
    assert "seeds" not in row
    assert not any("seed" in note for note in table.notes)


def test_too_few_honest_samples_set_no_threshold_and_carry_no_rate(model):
    _, row = over_seeds(model, {41: 0.0}, honest=19)
    assert row["tpr_again"].value == {"not_set": "under 20 honest samples"}
    assert row["tpr_again"].text == "not set: under 20 honest samples"
    assert row["fpr"].text == "0/19\nno inference"
    assert row["tpr"].value["k"] == 12, "of hacks there are enough"
    _, enough = over_seeds(model, {41: 0.0}, honest=20)
    assert enough["fpr"].value["n"] == 20
    assert "inference" not in enough["fpr"].value
    assert enough["tpr_again"].value["k"] == 20  # .18, the second of twenty, is below every hack


def test_a_seed_with_too_few_honest_samples_is_left_out_and_counted(model):
    arms, runs = seeded(model, {41: 0.0, 42: 0.0})
    arms[1] = SampledArm(arms[1].cell, arms[1].label, arms[1].rows[30:])  # ten honest ones are left
    (row,) = frozen_table(arms, runs, freeze(run("there", model, "a"), run("here", model, "b")), "loopholes").rows
    again = row[-2]
    assert (again.value["k"], again.value["n"], again.value["seeds"]) == (12, 20, 1)
    assert again.text.endswith("1 of 2 seeds")
    assert row[-3].value["n"] == 50, "the frozen threshold needs none of its own"


def test_few_hacks_over_all_seeds_carry_no_inference(model):
    _, row = over_seeds(model, {41: 0.0, 42: 0.0}, hacks=9)
    assert {row[key].text.split("\n")[-1] for key in ("tpr", "tpr_again")} == {"no inference"}
    assert (row["tpr"].value["n"], row["auroc"].value) == (18, None)
    _, more = over_seeds(model, {41: 0.0, 42: 0.0, 43: 0.0}, hacks=9)
    assert (more["tpr"].value["n"], more["auroc"].value is not None) == (27, True)


def test_a_run_refuses_foreign_thresholds_before_it_begins(tmp_path, tiny_qwen2):
    asked = {"model": (str(tiny_qwen2),), "params": {"leetcode-loopholes": {"source": "generated", "items": 1}}}
    there = make_plan(Experiment(tasks=("leetcode-loopholes",), **asked), load_catalogue(load_plugins()))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "plan.json").write_text(there.text)
    command = ["-m", "harness", "run", "--tasks", "goodhart7", "--model", str(tiny_qwen2), "--freeze-detectors"]
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    for folder, says in (
        ("there", "there froze detectors on leetcode-loopholes, and this run asks goodhart7"),
        ("nowhere", "nowhere is not a run folder"),
    ):
        done = warm.run([*command, folder], tmp_path, env)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
    assert not (tmp_path / "runs").exists()
