"""The embedded model is calibrated on its training split: nothing that a run asks is in that text."""

from __future__ import annotations

import json

from harness_plugins.tasks.goodhart.families import GOODHART20
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart
from harness_plugins.tasks.goodhart.training.calibration import OUT


def test_no_evaluated_prompt_is_calibrated_on():
    rows = [json.loads(line)["messages"] for line in OUT.read_text().splitlines()]
    suites = [Goodhart(GoodhartParams(families=GOODHART20, items=40, grader=grader)) for grader in ("strict", "rubric")]
    asked = {prompt.text for suite in suites for item in suite.items() for prompt in suite.prompts(item)}
    assert len(rows) >= 128
    assert asked.isdisjoint(turns[0]["content"] for turns in rows)
