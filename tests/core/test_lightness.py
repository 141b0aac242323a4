"""Listing, planning and help stay light: the floor and the roof import no torch."""

from __future__ import annotations

import subprocess
import sys

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
print("HEAVY", loaded)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["list"], ["plugins"], ["plan", "--compressor", "ultra3", "--tasks", "goodhart7"]],
)
def test_verbs_that_run_nothing_import_nothing_heavy(arguments, tmp_path):
    code = PROBE.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "HEAVY []" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stderr == ""


def test_the_public_api_and_the_report_import_nothing_heavy():
    code = (
        "import sys, harness, harness.store.run, harness.stats, harness.report.build\n"
        "print([name for name in ('torch', 'transformers', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
