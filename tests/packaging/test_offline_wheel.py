"""The installed wheel with the network off: its own network namespace, where there is nothing but loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MISSING = "the network cannot be taken away here (unshare -rn is not permitted)"

# $PY is the environment's python, $GSM8K a data file, $STOCK lm-eval's own gsm8k.yaml
SCRIPT = """
set -eu
ip link set lo up
"$PY" -c 'import socket; s = socket.socket(); s.settimeout(3); s.connect(("1.1.1.1", 53))' 2>&1 | grep -q unreachable
"$PY" -c 'import harness, harness_plugins; print(harness.__file__); print(harness_plugins.__file__)' > where.txt

echo '== goodhart7'
harness run --tasks goodhart7 --items 1 --grader rubric --out here

echo '== goodhart7 under lm_eval'
folder=$("$PY" -c 'from harness.registry.sources import resolve; print(resolve("pocket"))')
"$PY" -m lm_eval run --model hf --model_args "pretrained=$folder,dtype=float32" --tasks goodhart7 --limit 2 --device cpu \\
    --include_path "$(harness lm-eval-path)" --apply_chat_template --output_path lm

echo '== a stock lm-eval task over local JSON'
mkdir tasks
cat > tasks/local_gsm8k.yaml <<YAML
include: $STOCK
task: local_gsm8k
dataset_path: json
dataset_name: null
dataset_kwargs: {data_files: {test: $GSM8K}}
training_split: null
fewshot_split: null
num_fewshot: 0
YAML
harness run --tasks lm-eval/local_gsm8k --lm-eval-include tasks --items 2 --out gsm8k

echo '== arc_easy is refused'
code=0; harness plan --tasks lm-eval/arc_easy 2> refused.txt || code=$?
test "$code" = 2

echo '== a server on loopback'
"$PY" -m transformers.cli.transformers serve "$folder" --host 127.0.0.1 --port 8017 --device cpu --dtype float32 \\
    > server.log 2>&1 &
server=$!
trap 'kill $server' EXIT
"$PY" - <<'PYTHON'
import time, urllib.request
for _ in range(600):
    try:
        urllib.request.urlopen("http://127.0.0.1:8017/health", timeout=2)
        break
    except OSError:
        time.sleep(0.5)
PYTHON
harness run --tasks goodhart7 --items 1 --grader rubric --out there --backend local-completions \\
    --backend-args "model=$folder,base_url=http://127.0.0.1:8017/v1,tokenized_requests=False"
echo '== done'
"""


@pytest.fixture
def installed(tmp_path) -> Path:
    """A fresh virtual environment with the wheel; the libraries come from this one's site-packages by a path file, which
    leaves this one's editable install of the project out."""
    pytest.importorskip("build", reason="the package `build` is not installed (pip install '.[dev]')")
    source, venv = tmp_path / "source", tmp_path / "venv"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    shutil.rmtree(source)
    python = venv / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, str(next(tmp_path.glob("*.whl")))], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.slow
def test_everything_runs_from_the_wheel_without_a_network(installed, tmp_path, shared_data):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")
    pytest.importorskip("fastapi", reason="no server to start (pip install 'transformers[serving]')")
    if subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], capture_output=True).returncode:
        pytest.skip(MISSING)
    import lm_eval.tasks

    env = {
        **os.environ,
        "PATH": f"{installed.parent}:{os.environ['PATH']}",
        "PY": str(installed),
        "GSM8K": str(shared_data / "gsm8k" / "gsm8k_test.jsonl"),
        "STOCK": str(Path(lm_eval.tasks.__file__).parent / "gsm8k" / "gsm8k.yaml"),
        "HARNESS_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
    }
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(["unshare", "-rn", "bash", "-c", SCRIPT], cwd=work, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.rstrip().endswith("== done")
    assert (work / "where.txt").read_text().count(str(installed.parent.parent)) == 2
    assert "'arc_easy' cannot be loaded (HF_HUB_OFFLINE is set)" in (work / "refused.txt").read_text()
    assert verdicts(work, "there") == verdicts(work, "here")
    assert len(verdicts(work, "here")) == 7
    assert len(verdicts(work, "gsm8k")) == 2
    assert next(work.glob("lm/**/results_*.json")).is_file()


def verdicts(work: Path, out: str) -> dict[str, tuple]:
    rows = [json.loads(line) for path in work.glob(f"{out}/cells/*/verdicts-*.jsonl") for line in path.open()]
    assert all(row["error"] is None for row in rows)
    return {row["item"]: (row["verdict"].get("proxy"), row["verdict"].get("truth")) for row in rows}
