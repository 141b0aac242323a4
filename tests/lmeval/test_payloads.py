"""What is sent to a server of the OpenAI protocol: only what every server takes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.lm_eval.backends.responses import ResponseRecorder


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [(["alone"], "alone"), (["two", "texts"], ["two", "texts"]), ([[1, 2]], [[1, 2]]), ("text", "text")],
)
def test_a_prompt_alone_is_no_list_and_an_empty_list_of_stops_is_left_out(prompt, sent):
    given = {"prompt": prompt, "stop": []}
    lm = SimpleNamespace(_create_payload=lambda: dict(given), parse_generations=None, model_call=None)
    ResponseRecorder(lm)
    assert lm._create_payload() == {"prompt": sent}
