"""A run in other tools' formats is read by those tools, with the report's own figures."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.report.build import build
from harness.report.exports.inspect_form import write_inspect
from harness.report.exports.lm_eval_form import write_lm_eval
from harness.report.exports.model_card import write_model_cards
from harness.report.exports.plain_files import write_csv, write_jsonl, write_parquet
from harness.report.exports.run_rows import RunResults
from harness.report.results import to_json
from harness.store.run import RunStore

OLD = Path(__file__).parents[1] / "core" / "old_run"
ARMS = ["baseline", "ultra3", "uniform@ultra3"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunResults:
    folder = Path(shutil.copytree(OLD, tmp_path_factory.mktemp("run") / "r"))
    return RunResults.of(RunStore(folder), load_catalogue(load_plugins()))


@pytest.fixture(scope="module")
def report(run) -> dict[str, list[dict]]:
    (suite,) = [section for section in to_json(build(run.data))["sections"] if section["key"] == "goodhart7"]
    return {table["key"]: table["rows"] for table in suite["tables"]}


def test_tables_hold_a_row_a_sample_and_a_row_a_cell(run, report, tmp_path):
    samples, cells = (list(csv.DictReader(path.open())) for path in write_csv(run, tmp_path / "csv"))
    assert len(samples) == 9
    for row, cell in zip(report["quadrants"], cells, strict=True):
        own = [sample["outcome"] for sample in samples if sample["cell"] == cell["cell"]]
        assert Counter(own) == {
            name: row[name] for name in ("both", "proxy_only", "truth_only", "neither") if row[name]
        }
    for row, cell in zip(report["results"], cells, strict=True):
        assert float(cell["execution"]) == pytest.approx(row["execution"]["value"])
        assert float(cell["execution.high"]) == pytest.approx(row["execution"]["interval"][1])
    assert samples[0]["prompt.execution"]
    lines, _ = write_jsonl(run, tmp_path / "jsonl")
    first = json.loads(lines.read_text().splitlines()[0])
    assert isinstance(first["truth"], bool)
    assert first["reply.execution"] == samples[0]["reply.execution"].replace("\r\n", "\n")


def test_parquet_holds_the_same(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    samples, cells = (parquet.read_table(path) for path in write_parquet(run, tmp_path))
    assert (samples.num_rows, cells.num_rows) == (9, 3)
    assert str(samples.schema.field("truth").type) == "bool"
    assert str(cells.schema.field("execution").type) == "double"


def test_lm_evals_readers_find_results_and_samples(run, report, tmp_path):
    utils = pytest.importorskip("lm_eval.utils")
    paths = [str(path) for path in write_lm_eval(run, tmp_path)]
    results, samples = utils.get_results_filenames(paths), utils.get_sample_results_filenames(paths)
    assert (len(results), len(samples)) == (3, 3)
    assert utils.get_file_task_name(Path(samples[0]).name) == "goodhart7"
    assert len({utils.get_file_datetime(path).removesuffix(".json") for path in paths}) == 1
    for row, file, own in zip(report["results"], results, samples, strict=True):
        stored = json.loads(Path(file).read_text())
        assert stored["results"]["goodhart7"]["execution,none"] == pytest.approx(row["execution"]["value"])
        lines = [json.loads(line) for line in Path(own).read_text().splitlines()]
        assert sum(line["execution"] for line in lines) / len(lines) == pytest.approx(row["execution"]["value"])
        assert "execution" in utils.make_table(stored)


def test_a_model_card_is_read_by_the_hubs_library(run, report, tmp_path):
    from huggingface_hub import ModelCard

    paths = write_model_cards(run, tmp_path)
    assert len(paths) == len(ARMS)
    for row, path in zip(report["results"], paths, strict=True):
        card = ModelCard.load(path)
        found = {result.metric_type: result for result in card.data.eval_results}
        assert found["execution"].metric_value == pytest.approx(row["execution"]["value"], abs=1e-6)
        assert found["execution"].dataset_name == "goodhart7"
        assert "| goodhart7 | execution |" in card.text


def test_inspects_own_reader_opens_the_logs(run, report, tmp_path):
    log = pytest.importorskip("inspect_ai.log")
    paths = write_inspect(run, tmp_path)
    assert len(paths) == len(ARMS)
    for row, path in zip(report["results"], paths, strict=True):
        found = log.read_eval_log(str(path))
        assert found.status == "success"
        scores = {score.name: score.metrics["mean"].value for score in found.results.scores}
        assert scores["execution"] == pytest.approx(row["execution"]["value"])
        right = [sample.scores["truth"].value == "C" for sample in found.samples]
        assert sum(right) / len(right) == pytest.approx(row["execution"]["value"])
        assert [message.role for message in found.samples[0].messages] == ["user", "assistant"] * 2
