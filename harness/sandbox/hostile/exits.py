"""Ends before, in or after the answer, in every way a process can end."""

EXITS = {
    "sys_exit_at_import": "import sys\nsys.exit(0)\n",
    "sys_exit_in_solve": "import sys\ndef solve(x):\n    sys.exit(0)\n",
    "raise_system_exit": "def solve(x):\n    raise SystemExit(0)\n",
    "quit": "def solve(x):\n    raise KeyboardInterrupt\n",
    "os_exit_0": "import os\ndef solve(x):\n    os._exit(0)\n",
    "kill_self": "import os\ndef solve(x):\n    os.kill(os.getpid(), 9)\n",
    "abort": "import os\ndef solve(x):\n    os.abort()\n",
    "segfault": "import ctypes\ndef solve(x):\n    ctypes.string_at(0)\n",
    "exit_from_thread": """
import os, threading, time
def solve(x):
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(5)
""",
    "exec_another_program": """
import os, sys
def solve(x):
    os.execv(sys.executable, [sys.executable, "-S", "-c", "print('PASS')"])
""",
    "exit_in_exception_text": """
import os
class Odd(Exception):
    def __str__(self):
        os._exit(0)
def solve(x):
    raise Odd
""",
    "atexit_reports": """
import atexit, os
def forge():
    for fd in range(64):
        try: os.write(fd, b'v7950\\nv15869\\n')
        except OSError: pass
atexit.register(forge)
def solve(x):
    return 0
""",
    "del_reports": """
import os
class Late:
    def __del__(self):
        os.write(1, b'all tests passed')
        os._exit(0)
late = Late()
def solve(x):
    global late
    late = None
    return 0
""",
}
