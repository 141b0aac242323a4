"""Stock lm-eval tasks on the harness's cells: the same per-document scores as lm_eval's own command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import warm

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

TASK = """
task: local_gsm
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
num_fewshot: 0
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8, do_sample: false}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""


GSM8K = """
include: {stock}
task: gsm8k_zero_shot
dataset_path: json
dataset_name: null
dataset_kwargs:
  data_files: {{test: {data}}}
training_split: null
fewshot_split: null
num_fewshot: 0
generation_kwargs: {{until: ["Question:"], max_gen_toks: 24, do_sample: false}}
"""


@pytest.fixture
def run(tmp_path):
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "c"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

    def call(*command: str, code: int = 0) -> subprocess.CompletedProcess:
        done = warm.run(["-m", *command], tmp_path, env)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


def test_a_task_over_local_json_agrees_with_lm_eval(run, tmp_path, stories260k):
    """Greedy, float32: the responses are equal document by document; a task asks once, whatever --runs says."""
    texts = ["Once upon a time", "Lily and Tom", "The dog was", "One day, a girl"]
    rows = [{"question": text, "answer": "?"} for text in texts]
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tasks / "local_gsm.yaml").write_text(TASK.format(data=tasks / "docs.jsonl"))
    arguments = [
        "run",
        "--model",
        "hf",
        "--model_args",
        f"pretrained={stories260k},dtype=float32",
        "--tasks",
        "local_gsm",
    ]
    theirs = ["--include_path", str(tasks), "--device", "cpu", "--output_path", "lm", "--log_samples"]
    run("lm_eval", *arguments, *theirs)
    (samples,) = tmp_path.glob("lm/**/samples_*.jsonl")
    said = {row["doc_id"]: row["filtered_resps"] for row in map(json.loads, samples.open())}
    command = [
        "harness",
        "run",
        "--tasks",
        "lm-eval/local_gsm",
        "--include-path",
        str(tasks),
        "--model",
        str(stories260k),
    ]
    run(*command, "--compressor", "rtn4", "--runs", "3", "--out", "r")
    cells = sorted(tmp_path.glob("r/cells/*--none--*/verdicts-*.jsonl"))
    ours = [json.loads(line) for line in cells[0].open()]
    assert [row["verdict"]["parsed"]["responses"][0] for row in ours] == [said[number] for number in range(4)]
    assert all(set(row["verdict"]["values"]) == {"exact_match,none"} for row in ours)
    assert "exact" in (tmp_path / "r" / "report" / "report.md").read_text()


@pytest.mark.slow
def test_stock_gsm8k_zero_shot_over_a_local_file(run, tmp_path, shared_data, stories260k):
    """lm-eval's own task, prompts, filters and metrics, on documents that need no network; every arm is paired with the
    baseline, document by document, also over a task that ends within a chunk."""
    import lm_eval.tasks

    data = shared_data / "gsm8k" / "gsm8k_test.jsonl"
    if not data.is_file():
        pytest.skip(f"{data.name} is not beside the project")
    stock = Path(lm_eval.tasks.__file__).parent / "gsm8k" / "gsm8k.yaml"
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "gsm8k_zero_shot.yaml").write_text(GSM8K.format(stock=stock, data=data))
    (folder / "other.yaml").write_text(GSM8K.format(stock=stock, data=data).replace("gsm8k_zero_shot", "gsm8k_other"))
    (folder / "both.yaml").write_text("group: both\ntask: [gsm8k_zero_shot, gsm8k_other]\n")
    run(
        "harness", "run", "--tasks", "lm-eval/both", "--lm-eval-include", str(folder), "--items", "2",
        "--model", str(stories260k), "--compressor", "rtn2", "--out", "r",
    )  # fmt: skip
    cells = sorted(tmp_path.glob("r/cells/*/verdicts-*.jsonl"))
    assert len(cells) == 2
    for cell in cells:
        rows = [json.loads(line) for line in cell.open()]
        assert [row["item"] for row in rows] == [
            f"gsm8k_{task}/0000{n}" for task in ("zero_shot", "other") for n in (0, 1)
        ]
        assert all(
            set(row["verdict"]["values"]) == {"exact_match,strict-match", "exact_match,flexible-extract"}
            for row in rows
        )
    tables = json.loads((tmp_path / "r" / "report" / "results.json").read_text())["sections"]
    keys = {table["key"] for section in tables for table in section["tables"]}
    assert {"differences:exact_match,strict-match", "differences:exact_match,flexible-extract"} <= keys


def test_each_document_is_asked_once_whatever_the_chunks(tmp_path, monkeypatch, stories260k):
    """Chunks that end within a task, and tasks that are in no part of a chunk."""
    from lm_eval.models.huggingface import HFLM

    from harness_plugins.tasks.lm_eval import suite as module
    from harness_plugins.tasks.lm_eval.spec import LmEvalParams

    (tmp_path / "docs.jsonl").write_text(
        "".join(json.dumps({"question": f"{n}", "answer": "?"}) + "\n" for n in range(3))
    )
    yaml = TASK.format(data=tmp_path / "docs.jsonl")
    for name in ("local_one", "local_two"):
        (tmp_path / f"{name}.yaml").write_text(yaml.replace("local_gsm", name))
    (tmp_path / "pair.yaml").write_text("group: pair\ntask: [local_one, local_two]\n")
    lm = HFLM(pretrained=str(stories260k), device="cpu", dtype="float32", batch_size=4)
    asked: list[str] = []

    def generate_until(requests, **options):
        asked.extend(request.args[0] for request in requests)
        return HFLM.generate_until(lm, requests, **options)

    class Loaded:
        def as_lm(self, batch_size: int) -> tuple[HFLM, bool]:
            return lm, False

    monkeypatch.setattr(lm, "generate_until", generate_until)
    monkeypatch.setattr(module, "CHUNK", 2)
    suite = module.LmEvalSuite(LmEvalParams(task="pair", include_path=tmp_path))
    items = [item.id for item in suite.items()][1:]  # the first was answered before a kill
    answered = [list(replies) for replies in suite.ask(Loaded(), items, 4)]
    assert [key for chunk in answered for key in chunk] == items
    assert sorted(asked) == sorted(["1", "2", "0", "1", "2"])


def test_an_uncached_task_is_refused_at_plan_time_by_name(run, stories260k):
    done = run("harness", "plan", "--tasks", "lm-eval/arc_easy", "--model", str(stories260k), code=2)
    assert "'arc_easy' cannot be loaded (HF_HUB_OFFLINE is set)" in done.stderr


def test_an_unknown_task_is_refused(run, stories260k):
    done = run("harness", "plan", "--tasks", "lm-eval/no_such_task", "--model", str(stories260k), code=2)
    assert "knows no task 'no_such_task'" in done.stderr
