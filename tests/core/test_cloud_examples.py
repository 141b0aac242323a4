"""The scripts for rented machines: their shell is sound, and the command in them plans what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CLOUD = ROOT / "examples" / "cloud"
SLURM = CLOUD / "knowing-or-doing.slurm"
SKY = CLOUD / "knowing-or-doing.sky.yaml"
CALLED = '#!/bin/bash\nprintf "%s\\n" "$@" > "$CALLED.part" && mv "$CALLED.part" "$CALLED"\n'


def scripts() -> dict[str, str]:
    task = yaml.safe_load(SKY.read_text())
    return {"slurm": SLURM.read_text(), "setup": task["setup"], "run": task["run"]}


@pytest.mark.parametrize("name", ["slurm", "setup", "run"])
def test_the_shell_is_sound(name):
    script = scripts()[name]
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    checked = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ["slurm", "run"])
def test_the_command_in_it_plans(cli, name):
    """The script is run with a program in the harness's place, which writes down what it is called with."""
    binaries = cli.cwd / "venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "harness").write_text(CALLED)
    (binaries / "harness").chmod(0o755)
    env = {
        **os.environ, "HOME": str(cli.cwd), "PATH": f"{binaries}:{os.environ['PATH']}", "CALLED": str(cli.cwd / "called"),
        "STORE": f"file://{cli.cwd}/store", "MODEL": "pocket", "MORE": "--limit 2 --device cpu",
        "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "3", "SKYPILOT_NODE_RANK": "1", "SKYPILOT_NUM_NODES": "3",
    }  # fmt: skip
    subprocess.run(["bash", "-c", scripts()[name]], cwd=ROOT, env=env, check=True)
    called = (cli.cwd / "called").read_text().splitlines()
    assert called[called.index("--shard") + 1] == "2/3"
    assert called[called.index("--store") + 1] == env["STORE"]
    called[1] = str(ROOT / called[1])
    called[called.index("--device") + 1] = "cpu"
    planned = cli(*called, "--dry-run", plugins=None).stdout
    assert re.search(r"26 cells, \d+ contrasts", planned), planned


def test_skypilot_reads_it():
    sky = pytest.importorskip("sky", reason="skypilot is not installed")
    task = {**yaml.safe_load(SKY.read_text()), "envs": {"STORE": "s3://BUCKET/PREFIX"}}
    assert {str(next(iter(one.accelerators))) for one in sky.Task.from_yaml_config(task).resources} == {
        "H100",
        "A100-80GB",
    }
