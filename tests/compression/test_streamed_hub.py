"""A hub model is compressed shard by shard through the hub's own client; a small server speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from transformers import AutoModelForCausalLM

from harness.checkpoints.digest import model_digest

REVISION = "0123456789abcdef0123456789abcdef01234567"
CODE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from rtn_compressors import RTN, RTNParams
from harness.checkpoints.digest import model_digest
from harness.checkpoints.shape import read_shape
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.checkpoints.hub import hub_streamed
folder = hub_streamed("goodhart/sharded")
assert not list(folder.glob("*.safetensors")), "planning fetched a shard"
assert len(read_shape(folder).linears) == 21
print(model_digest(folder))
compress(folder, RTN(RTNParams()), CalibrationSource(), Path(sys.argv[1]))
assert not list(folder.rglob("*.safetensors"))
"""


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """A server that offers `folder` as goodhart/sharded; yields its address."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/api/models/goodhart/sharded"):
                return self.send(200, json.dumps(described(folder)).encode(), body)
            file = folder / path.rpartition("/")[2]
            if f"/resolve/{REVISION}/" not in path or not file.is_file():
                return self.send(404, b"{}", body)
            raw = file.read_bytes()
            if wanted := self.headers.get("Range"):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                return self.send(206, raw[int(first) : int(last or len(raw)) + 1], body)
            return self.send(200, raw, body)

        def send(self, status: int, content: bytes, body: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Repo-Commit", REVISION)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def described(folder: Path) -> dict[str, object]:
    """The hub's answer about a model, with the digests of what lies in large-file storage."""
    siblings = []
    for file in sorted(folder.iterdir()):
        entry: dict[str, object] = {"rfilename": file.name, "size": file.stat().st_size}
        if file.suffix == ".safetensors":
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            entry["lfs"] = {"sha256": digest, "size": file.stat().st_size, "pointerSize": 130}
        siblings.append(entry)
    return {"id": "goodhart/sharded", "sha": REVISION, "siblings": siblings}


def test_a_hub_model_is_compressed_without_ever_lying_here_whole(tiny_qwen2: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    AutoModelForCausalLM.from_pretrained(tiny_qwen2).save_pretrained(remote, max_shard_size="100KB")
    with hub(remote) as address:
        unset = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
        environment = {key: value for key, value in os.environ.items() if key not in unset}
        environment |= {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
        environment["HARNESS_CACHE"] = str(tmp_path / "cache")
        tests = str(Path(__file__).parent)
        command = [sys.executable, "-c", CODE, str(tmp_path / "a"), tests]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[0] == model_digest(remote)
    assert (tmp_path / "a" / "COMPLETE.json").is_file()
