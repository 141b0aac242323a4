"""A whole run whose arguments hold secrets: the server gets them, and no file has them."""

from __future__ import annotations

import base64
import http.server
import json
import threading

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

PASSWORD, SIGNATURE, OTHER = "pass-word-of-nobody", "signature-of-nobody", "an-argument-of-nobody"


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers every chat alike, and echoes what it was sent where it refuses."""

    seen: list[tuple[str, str]] = []

    def log_message(self, *args) -> None:
        pass

    def reply(self, content: dict, code: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.reply({"data": [{"id": "m"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        sent = self.headers.get("authorization", "")
        self.seen.append((self.path, sent))
        if len(self.seen) % 2:
            self.reply({"error": {"message": f"no {self.path} with {sent} and {PASSWORD}"}}, 400)
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": "Answer: 42"}, "finish_reason": "stop"}
        self.reply({"id": "1", "model": "m", "choices": [choice], "usage": {"completion_tokens": 5}})


@pytest.fixture
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://me:{PASSWORD}@127.0.0.1:{server.server_port}/v1?sig={SIGNATURE}"
    server.shutdown()


def test_the_server_gets_the_secrets_and_no_file_has_them(run, url):
    toy = ("--tasks", "toy", "-P", "toy.items=2", "--out", "r", "--backend", "local-chat-completions")
    args = ("--backend-args", f"model=m,max_retries=1,base_url={url},other={OTHER}")
    done = run(*toy, *args, code=None)
    path, sent = Answers.seen[0]
    assert path == f"/v1/chat/completions?sig={SIGNATURE}"
    assert "Basic" not in sent or base64.b64decode(sent.split()[1]).decode() == f"me:{PASSWORD}"
    files = [path for path in run.cwd.rglob("*") if path.is_file()]
    assert any(path.name == "samples.jsonl" for path in files)
    for secret in (PASSWORD, SIGNATURE, OTHER):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
        assert secret not in done.stdout + done.stderr
    assert "withheld:" in (run.cwd / "r" / "config.toml").read_text()
    again = run(str(run.cwd / "r" / "config.toml"), "--out", "r2", code=2)
    assert "is not kept in files (give it again with --backend-args" in again.stderr
