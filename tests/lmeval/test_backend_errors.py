"""What servers say when something is wrong: a small HTTP server of the test's own says it."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.contract import Prompt
from harness.errors import ModelError, StageError, Unreachable

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

from harness.lm_eval.backends import bounded
from harness.lm_eval.backends.locate import make_backend
from harness.lm_eval.backends.model import BackendModel

KEY = "sk-a-key-of-no-account-0123456789"
LISTED = {"data": [{"id": "alias", "root": "real/model"}]}


class Answering:
    """A server on loopback: `answer(question)` gives status and body of each chat completion."""

    def __init__(self) -> None:
        self.answer = lambda question: (200, reply(f"so: {question}"))
        self.asked: list[dict] = []
        self.list_status, self.listed, self.packed = 200, LISTED, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.say(outer.list_status, outer.listed)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                self.say(*outer.answer(body["messages"][0]["content"]))

            def say(self, status: int, body: dict) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                if outer.packed:
                    data = gzip.compress(data, 1)
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client has read enough
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def args(self, **more: object) -> dict:
        return {"model": "alias", "base_url": self.url, "max_retries": 1, **more}


def reply(text: str | None, finish: str = "stop", **more: object) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"model": "real/model-2", "choices": [choice], "usage": {"completion_tokens": 3}, **more}


@pytest.fixture
def served():
    server = Answering()
    yield server
    server.http.shutdown()


def ask(server: Answering, text: str = "hello", **prompt) -> object:
    model = BackendModel(make_backend("local-chat-completions", server.args()))
    return model.ask([Prompt(role="r", text=text, **prompt)], [11], 0.0, 1.0)[0]


def test_the_model_that_the_server_lists_is_the_one_that_is_keyed(served):
    assert make_backend("local-chat-completions", served.args()).reported == "alias = real/model"
    assert served.asked == []  # a server that lists its models is not asked for a token


def test_a_server_that_lists_models_and_answers_as_another_one_is_not_believed(served):
    with pytest.raises(ModelError, match=r"answers as model 'real/model-2', not as 'wanted' \(name that one\)"):
        make_backend("local-chat-completions", served.args(model="wanted"))
    served.answer = lambda question: (200, {**reply("so"), "model": "wanted-2026-11-01"})
    assert make_backend("local-chat-completions", served.args(model="wanted")).reported == "wanted-2026-11-01"
    served.listed = {}  # one that lists none may have names of its own for them
    served.answer = lambda question: (200, reply("so"))
    assert make_backend("local-chat-completions", served.args(model="wanted")).reported == "real/model-2"


def test_a_server_that_changes_its_model_while_it_is_asked_ends_the_cell(served):
    assert ask(served).text == "so: hello"
    served.answer = lambda question: (200, {**reply("so"), "model": "another"})
    with pytest.raises(Unreachable, match=r"answers as model 'another', not as 'real/model' \(serve that one;"):
        ask(served)


@pytest.mark.parametrize("heeds", [True, False])
def test_vllms_noise_is_ours_if_replies_follow_the_key(served, heeds):
    """vLLM takes arguments that nobody reads, so what counts is the reply."""
    served.listed = {"data": [{"id": "alias", "root": "real/model", "owned_by": "vllm"}]}
    served.answer = lambda question: (200, reply(str(served.asked[-1]["vllm_xargs"]["harness_key"]) if heeds else "so"))
    backend = make_backend("local-chat-completions", served.args())
    assert (backend.coupled, backend.engine, "coupled" in backend.identity) == (heeds, "vllm", heeds)
    served.answer = lambda question: (200, reply("so"))
    model = BackendModel(backend, batch_size=32)
    assert model.concurrent == 32
    model.ask([Prompt(role="r", text="hello")], [-7], 0.5, 0.9)
    asked = served.asked[-1]
    if heeds:
        noise = {"harness_key": -7, "harness_temperature": 0.5, "harness_top_p": 0.9}
        assert (asked["temperature"], asked["vllm_xargs"]) == (0.0, noise)
        with pytest.raises(ModelError, match="does not draw the harness's noise, though it was found when planning"):
            model.check_sampling(0.5)
    else:
        assert (asked["temperature"], asked["seed"], "vllm_xargs" in asked) == (0.5, 2**31 - 7, False)


def test_a_key_that_the_server_refuses_is_found_out_when_planning_and_not_repeated(served, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    served.list_status, served.listed = 401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    with pytest.raises(
        ModelError, match="refuses the key: HTTP 401: Incorrect API key provided: <OPENAI_API_KEY>"
    ) as error:
        make_backend("local-chat-completions", served.args())
    assert KEY not in str(error.value)


def test_what_is_asked_is_what_was_wanted(served):
    ask(served, "How?", max_tokens=7, stop=("\n", "END"))
    (asked,) = served.asked
    assert asked["messages"] == [{"role": "user", "content": "How?"}]
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["seed"]) == ("alias", 7, 0.0, 11)
    assert asked["stop"] == ["\n", "END"]


def test_a_request_that_fails_is_repeated_after_a_wait(served):
    answers = iter([(503, {"error": "busy"}), (200, reply("at last"))])
    served.answer = lambda question: next(answers)
    model = BackendModel(make_backend("local-chat-completions", served.args(max_retries=2)))
    started = time.monotonic()
    assert model.ask([Prompt(role="r", text="hello")], [0], 0.0, 1.0)[0].text == "at last"
    assert (len(served.asked), time.monotonic() - started >= 1) == (2, True)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_read_no_further_than_the_limit(served, packed, monkeypatch):
    monkeypatch.setattr(bounded, "LARGEST_ANSWER", 1 << 20)
    served.packed = packed
    served.answer = lambda question: (200, reply("x" * 3_000_000))
    with pytest.raises(StageError, match="the server's answer has more than 1 MiB"):
        ask(served)
    served.listed = {"data": [{"id": "x" * 3_000_000}]}
    with pytest.raises(ModelError, match=r"the server's answer has more than 1 MiB \(the server at http"):
        make_backend("local-chat-completions", served.args())


def test_a_reply_that_no_model_gives_is_refused(served):
    served.answer = lambda question: (200, reply("x" * 5_000_000))
    with pytest.raises(StageError, match="the reply has more than 4194304 characters"):
        ask(served)


def test_endings_are_the_servers_word(served):
    served.answer = lambda question: (200, reply("one two", "length"))
    cut = ask(served)
    assert (cut.text, cut.tokens, cut.truncated) == ("one two", 3, True)
    served.answer = lambda question: (200, reply("one\ntwo", "length"))
    assert ask(served, stop=("\n",)).text == "one"  # this server leaves stop strings in
    assert not ask(served, stop=("\n",)).truncated
    served.answer = lambda question: (200, reply(None))
    assert ask(served).text == ""


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"error": {"message": "too long"}}, StageError, "HTTP 400: too long "),
        (500, {"detail": "out of memory"}, StageError, "HTTP 500: out of memory "),
        (404, {"error": "no such model"}, Unreachable, "HTTP 404: no such model "),
        (200, {"error": "overloaded"}, StageError, "the server's answer holds no reply"),
        (200, {"choices": []}, StageError, "the server's answer holds no reply"),
    ],
)  # fmt: skip
def test_errors_are_one_line_and_only_the_hopeless_ones_end_a_cell(served, status, body, kind, words):
    served.answer = lambda question: (status, body)
    with pytest.raises(StageError, match=words) as error:
        ask(served)
    assert type(error.value) is kind
    assert "\n" not in str(error.value)


def test_a_prompt_that_fails_is_a_row_and_is_asked_again(run, served):
    command = ("--tasks", "toy", "--out", "r", "--backend", "local-chat-completions")
    args = ("--backend-args", ",".join(f"{name}={value}" for name, value in served.args(num_concurrent=3).items()))
    well, served.answer = (
        served.answer,
        lambda question: (400, {"error": "bad prompt"}) if "3 + 3" in question else (200, reply("a reply")),
    )
    run(*command, *args)
    rows = run.samples("r")
    failed = [row for row in rows.values() if row["reply"] is None]
    assert len(rows) == 12
    assert [row["item"] for row in failed] == ["sum3", "sum3"]
    assert all(row["error"].startswith("HTTP 400: bad prompt (the server at http://127.0.0.1:") for row in failed)
    report = run.report("r")
    assert "HTTP 400: bad prompt: 1" in report
    assert "calls its model real/model-2" in report
    served.answer, before = well, len(served.asked)
    run(*command, *args)
    assert len(served.asked) == before + 2
    assert all(row["reply"] for row in run.samples("r").values())
    run(*command, *args, "--runs", "2")
    assert len(served.asked) == before + 2 + 12
    assert len(run.samples("r")) == 24


def test_failures_in_a_row_end_the_cell(run, served):
    served.answer = lambda question: (500, {"error": "broken"}) if len(served.asked) > 4 else (200, reply("a reply"))
    args = ("--backend-args", ",".join(f"{name}={value}" for name, value in served.args().items()))
    run("--tasks", "toy", "--out", "r", "--backend", "local-chat-completions", *args, code=1)
    (state,) = [json.loads(path.read_text()) for path in run.cwd.glob("r/cells/*/state.json")]
    assert state["error"].startswith("5 questions in a row failed, the last: HTTP 500: broken ")
    assert len(served.asked) == 9
    assert sum(row["reply"] is not None for row in run.samples("r").values()) == 4
