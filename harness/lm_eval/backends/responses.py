"""What an lm-eval HTTP backend and its server exchange besides the text: the payload, and why the reply ended.

lm-eval passes on the text alone, so the recorder hooks in where the backend builds its payload and where it reads the
answer.
"""

from __future__ import annotations

import copy
import threading
from typing import Any

from harness.contract import Record
from harness.errors import StageError
from harness.lm_eval.backends.bounded import whole
from harness.lm_eval.backends.redaction import redact

LONGEST_NAME = 200  # characters of the name that a server gives its model


class ResponseInfo(Record):
    """What the server said about one reply. `truncated` and `tokens` are None if it said nothing."""

    truncated: bool | None = None
    tokens: int | None = None
    model: str = ""


class ResponseRecorder:
    """Watches a `TemplateAPI` that is asked one question at a time in each thread."""

    def __init__(self, lm: Any) -> None:
        self.seen = threading.local()
        self._payload, self._parse = lm._create_payload, lm.parse_generations
        lm._create_payload, lm.parse_generations = self.payload, self.parse
        self.lm, lm.model_call = lm, self.call

    def call(self, messages: Any, *, generate: bool = True, gen_kwargs: Any = None, **options: Any) -> dict[str, Any]:
        """lm-eval's request, its answer read with a limit. lm-eval repeats it when it raises."""
        import requests

        lm = self.lm
        turn, limits = lm.create_message(messages), copy.deepcopy(gen_kwargs)
        payload = lm._create_payload(
            turn, generate=generate, gen_kwargs=limits, seed=lm._seed, eos=lm.eos_string, **options
        )
        asked = {"headers": lm.header, "verify": lm.verify_certificate, "timeout": lm.timeout, "stream": True}
        response = whole(requests.post(lm.base_url, json=payload, **asked))
        response.raise_for_status()
        answer = response.json()
        self.seen.ending = response_info(answer) if isinstance(answer, dict) else ResponseInfo()
        return answer

    def payload(self, *args: Any, **options: Any) -> dict[str, Any]:
        payload = self._payload(*args, **options)
        if not payload.get("stop", True):
            del payload["stop"]  # an empty list ends some servers' requests with an error
        match payload.get("prompt"):
            case [str(alone)]:
                payload["prompt"] = alone  # some servers take no list of prompts
        return payload

    def parse(self, outputs: Any, **options: Any) -> list[str]:
        """lm-eval's parsing, but an answer without a reply is an error: lm-eval would read it as an empty reply."""
        answer = outputs[0] if isinstance(outputs, list) and outputs else outputs
        if not isinstance(answer, dict) or not (answer.get("choices") or "content" in answer):
            raise StageError(f"the server's answer holds no reply: {str(outputs)[:200]}")
        return ["" if text is None else text for text in self._parse(outputs=outputs, **options)]

    def last(self) -> ResponseInfo:
        """What the server said in its last answer to this thread."""
        return getattr(self.seen, "ending", ResponseInfo())


def response_info(answer: dict[str, Any]) -> ResponseInfo:
    """Reads the answers of the OpenAI protocol and of Anthropic's."""
    choice = (answer.get("choices") or [{}])[0]
    finish = choice.get("finish_reason") or answer.get("stop_reason")
    usage = answer.get("usage") or {}
    return ResponseInfo(
        truncated=None if finish is None else finish in ("length", "max_tokens"),
        tokens=usage.get("completion_tokens", usage.get("output_tokens")),
        model=redact(str(answer.get("model") or ""))[:LONGEST_NAME],
    )
