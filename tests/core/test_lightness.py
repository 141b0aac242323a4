"""Listing, planning and help stay light: the floor and the roof import no torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "lm_eval", "scipy", "numpy")
PROBE = """
import sys
sys.argv = ["harness", *{arguments!r}]
from harness.__main__ import main
try:
    main()
except SystemExit:
    pass
loaded = [name for name in {heavy!r} if name in sys.modules]
print("HEAVY", loaded, file=sys.__stdout__)  # sys.stdout is stderr after the verb
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list"],
        ["plugins"],
        ["plan", "--compressor", "ultra3", "--tasks", "goodhart7"],
        ["describe", "goodhart7"],
        ["runs", "."],
        ["--version"],
    ],
)
def test_verbs_that_run_nothing_import_nothing_heavy(arguments, tmp_path):
    code = PROBE.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "HEAVY []" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "old"],
        ["compare", "old", "old"],
        ["gate", "old", "goodhart7.does > 0"],
        ["show", "old"],
        ["export-results", "old"],
    ],
)
def test_verbs_that_read_a_run_import_no_model_library(arguments, tmp_path):
    shutil.copytree(Path(__file__).parent / "old_run", tmp_path / "old")
    code = PROBE.format(arguments=arguments, heavy=("torch", "transformers", "lm_eval"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "HEAVY []" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_public_api_and_the_report_import_nothing_heavy():
    code = (
        "import sys, harness, harness.store.run, harness.stats, harness.report.build\n"
        "print([name for name in ('torch', 'transformers', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
