"""Wrong names, files and models: one line with the cause and the remedy, and exit code 2 (1 for a broken model)."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def one_line(done) -> str:
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--tasks", "toi"], "unknown task suite 'toi' (did you mean toy?"),
        (["--tasks", "toy", "--compressor", "utlra3"], "did you mean ultra3"),
        (["--tasks", "toy", "--compressor", "ultra3@2"], "takes no '@' suffix"),
        (["--tasks", "toy", "-P", "ultra3.bits=2"], "which this run does not select"),
        (["--tasks", "toy", "-P", "toy.colour=2"], "toy.colour"),
        (["--tasks", "toy", "-P", "nonsense"], "write -P name.parameter=value"),
        (["--tasks", "toy", "--seeds", "5-1"], "runs backwards"),
        (["--tasks", "toy", "--temperature", "-1"], "temperature"),
        (["--tasks", "toy", "--model", "./nowhere"], "no folder"),
        (["@missing.toml"], "cannot read missing.toml"),
        ([], "no tasks selected"),
    ],
)
def test_names_and_options(cli, arguments, expected):
    done = cli("run", *arguments, code=None)
    assert done.returncode in (1, 2)
    assert expected in one_line(done)


@pytest.mark.parametrize("verb", [["plan"], ["run", "--dry-run"]])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--tasks", "goodhart7", "--device", "gpu"], "unknown device 'gpu' (auto, cpu, cuda, cuda:N, mps or xpu)"),
        (["--tasks", "leetcode-loopholes", "--sandbox", "jail"], "no sandbox is called 'jail' (one of: bwrap"),
        (["--tasks", "goodhart7", "--trainer", "vanilla"], "vanilla cannot train on goodhart7"),
    ],
)
def test_plans_and_dry_runs_refuse_what_a_run_refuses(cli, verb, arguments, expected):
    assert expected in one_line(cli(*verb, *arguments, code=2))


def test_a_device_that_torch_cannot_have_is_missed_when_planning(cli):
    if "+cpu" in importlib.metadata.version("torch"):
        assert "is built without CUDA" in one_line(cli("plan", "--tasks", "goodhart7", "--device", "cuda", code=2))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["run", "--tasks", "toy", "--trainer", "vanilla"],
            "vanilla cannot train on toy, which keeps no items for training (choose inversion or leetcode-loopholes)",
        ),
        (
            ["teacher", "build", "--tasks", "toy", "--out", "pool.jsonl"],
            "toy keeps no items for training, so a teacher has nothing to show (choose inversion or leetcode-loopholes)",
        ),
        (["detectors", "toy"], "toy has no labelled views to measure detectors on (choose leetcode-loopholes)"),
    ],
)
def test_what_a_suite_cannot_do_names_one_that_can(cli, arguments, expected):
    assert one_line(cli(*arguments, code=2)) == f"error: {expected}"


def test_training_items_that_the_parameters_leave_none_of_are_missed_when_planning(cli):
    authored = ["--tasks", "leetcode-loopholes", "-P", "leetcode-loopholes.source=authored", "--trainer", "vanilla"]
    assert "none is left to train on" in one_line(cli("plan", *authored, "--model", str(cli.model), code=2))


def test_a_corrupt_model_is_named_before_anything_runs(cli):
    broken = cli.cwd / "broken"
    shutil.copytree(cli.model, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert str(weights) in one_line(cli.run(model=broken, code=1))


def test_bad_registry_files_name_the_file_and_the_table(cli):
    (cli.cwd / "registry.toml").write_text("[compressors.mine]\nbits = 3\n")
    assert "[compressors.mine] names no plugin" in one_line(cli("list", code=2))
    (cli.cwd / "registry.toml").write_text("[compressors\n")
    assert "bad registry" in one_line(cli("list", code=2))


def test_a_project_registry_adds_presets_without_python(cli):
    (cli.cwd / "registry.toml").write_text('[compressors.mine]\nplugin = "rtn"\nbits = 5\nat = "bits"\n')
    assert "mine" in cli("list", "compressors").stdout
    done = cli("plan", "--tasks", "toy", "--model", str(cli.model), "--compressor", "mine@6", "--json")
    assert '"bits_per_weight": 6.' in done.stdout


def test_a_full_disk_is_one_line(cli):
    """/dev/full answers every write with ENOSPC."""
    done = cli("run", "--tasks", "toy", "--model", str(cli.model), "--out", "/dev/full/r", code=None)
    assert done.returncode == 1
    assert "cannot write" in one_line(done)


def test_an_output_that_is_full_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")
