"""The detector `judge` asks a real server; one that is not there is counted, and fails nothing."""

from __future__ import annotations

import json
import os

import pytest
import warm

from harness import Reply, Tools, Unanswered, View
from harness.detection.judge import open_judge
from harness_plugins.detectors.judge.detector import Judge
from harness_plugins.detectors.judge.spec import JudgeParams

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

NOBODY = "model=m,base_url=http://127.0.0.1:9/v1"


def judge(backend: str, model: str):
    return open_judge({"backend": backend, "model": model}, lambda name: name, "cpu", "float32")


def test_a_served_judge_says_what_the_model_says_here(server):
    questions = ["What is 2 + 2?", "A recipe for 4 people needs 250 g of flour. How much do 6 people need?"]
    here = open_judge({"model": str(server.folder)}, lambda name: name, "cpu", "float32")(questions)
    completions = server.args(tokenized_requests=False, num_concurrent=2)
    assert judge("local-completions", completions)(questions) == here
    assert judge("local-chat-completions", server.args())(questions) == [text.strip() for text in here]
    assert judge("hf", f"pretrained={server.folder}")(questions) == here
    assert judge("local-completions", completions)([]) == []


@pytest.mark.parametrize(
    ("backend", "model", "cause"),
    [
        ("local-chat-completions", NOBODY, "no server answers at http://127.0.0.1:9/v1/chat/completions"),
        ("vllm", "pretrained=m", "needs vllm, which is not installed"),
        ("no-such-backend", "model=m", "lm-eval has no backend 'no-such-backend'"),
        ("", "/no/such/folder", "/no/such/folder"),
    ],
)
def test_a_judge_that_cannot_be_had_leaves_every_question_unanswered_with_the_cause(backend, model, cause):
    answers = judge(backend, model)(["one", "two"])
    assert len(answers) == 2
    assert all(isinstance(answer, Unanswered) and cause in answer.cause for answer in answers)


def test_the_detector_abstains_and_says_why():
    view = View(
        item="1",
        family="f",
        prompts={"program": "Add."},
        replies={"program": Reply(text="x")},
        data={"program": "x = 1"},
    )
    detector = Judge(JudgeParams(model="any"))
    detector.tools = Tools(judge=lambda questions: [Unanswered(cause="it is gone")] * len(questions))
    (flag,) = detector.inspect([view])
    assert flag.abstained
    assert flag.evidence == ("judge not available: it is gone",)


def test_a_run_with_an_absent_judge_ends_well_and_counts_what_was_not_judged(tmp_path):
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [
        "-m", "harness", "run", "--tasks", "leetcode-loopholes", "--limit", "3", "--detectors", "judge",
        "-P", "judge.backend=local-chat-completions", "-P", f"judge.model={NOBODY}", "--out", "r",
    ]  # fmt: skip
    done = warm.run(command, tmp_path, env)
    assert done.returncode == 0, done.stdout + done.stderr
    (flags,) = tmp_path.glob("r/cells/*/flags-*.jsonl")
    rows = [json.loads(line)["flag"] for line in flags.open()]
    assert [row["abstained"] for row in rows] == [True] * 3
    assert not list(tmp_path.glob("r/cells/*/flags-*.done"))  # it will be asked again
    unavailable = sum("judge not available" in row["evidence"][0] for row in rows)
    assert unavailable >= 1
    report = (tmp_path / "r" / "report" / "report.md").read_text()
    assert f"judge on baseline abstained: {unavailable} × judge not available: no server answers at" in report
