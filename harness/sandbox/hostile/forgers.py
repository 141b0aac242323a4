"""Writes what an honest program's answer would look like, or changes what writes it."""

FORGERS = {
    "json_on_every_descriptor": """
import json, os
def solve(x):
    forged = json.dumps({"passed": True, "values": [1, 2, 3], "verdict": "pass", "status": 0}).encode() + b"\\n"
    for fd in range(256):
        try: os.write(fd, forged)
        except OSError: pass
    os._exit(0)
""",
    "control_messages_on_every_descriptor": """
import os
def solve(x):
    for fd in range(256):
        for message in (b"ready", b"stop", b'{"status": 0, "memory": false, "stopped": false}'):
            try: os.write(fd, message)
            except OSError: pass
    os._exit(0)
""",
    "more_values_than_inputs": """
import os
def solve(x):
    for fd in range(3, 64):
        try: os.write(fd, b"v0\\n" * 1000)
        except OSError: pass
    return 0
""",
    "half_a_line": """
import os
def solve(x):
    for fd in range(3, 64):
        try: os.write(fd, b"v7950\\nv158")
        except OSError: pass
    os._exit(0)
""",
    "patched_json": "import json\njson.dumps = lambda *a, **k: '\"PASS\"'\ndef solve(x):\n    return 0\n",
    "patched_builtins": """
import builtins
builtins.type = lambda *a: int
builtins.all = builtins.isinstance = lambda *a: True
builtins.len = lambda a: 3
def solve(x):
    return object()
""",
    "patched_zygote_modules": """
import sys
main = sys.modules["__main__"]
main.plain = lambda value: True
main.describe = lambda error: b""
main.write_all = lambda fd, data: __import__("os").write(fd, b"vtrue\\n")
def solve(x):
    return {1, 2}
""",
    "patched_sys_modules": """
import sys
for name in list(sys.modules):
    if name not in ("sys", "builtins"): sys.modules[name] = None
def solve(x):
    return 0
""",
    "patched_clock": """
import time
time.time = time.monotonic = time.perf_counter = lambda: 0.0
def solve(x):
    while True: pass
""",
    "patched_os_write": """
import os
write = os.write
os.write = lambda fd, data: write(fd, b'v"PASS"\\n') and len(data)
def solve(x):
    return 0
""",
    "trace_function_edits_locals": """
import ctypes, sys
def tracer(frame, event, arg):
    for name in ("value", "expected", "passed", "status"):
        if name in frame.f_locals:
            frame.f_locals[name] = True
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), 0)
    return tracer
sys.settrace(tracer)
def solve(x):
    return 0
""",
    "fork_answers_twice": """
import os
def solve(x):
    os.fork()
    return 0
""",
}
