"""A worker that has nothing left to do ends at once, but not before what it owes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HANDLER = """
import atexit, sys, threading, time
from harness.running.executors.worker import _exit
atexit.register(print, "handler ran")
class Slow:
    def __del__(self): print("taken apart")
slow = Slow()
"""
THREAD = "threading.Thread(target=lambda: (time.sleep(0.3), print('thread ended'))).start()\n"


@pytest.mark.parametrize(
    ("before", "said"),
    [("", ["handler ran"]), (THREAD, ["thread ended", "handler ran", "taken apart"])],
    ids=["idle", "a thread at work"],
)
def test_exit_handlers_run_and_threads_end(before, said):
    done = subprocess.run([sys.executable, "-c", HANDLER + before + "_exit()"], capture_output=True, text=True)
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (said, "", 0)
