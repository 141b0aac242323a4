"""Takes more of something than it is given: processes, memory, files, output, time."""

BOMBS = {
    "fork_bomb": """
import os
def solve(x):
    while True:
        try: os.fork()
        except OSError: pass
""",
    "thread_bomb": """
import threading, time
def solve(x):
    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
""",
    "memory_bomb": "def solve(x):\n    a = []\n    while True: a.append(bytearray(1 << 20))\n",
    "memory_bomb_in_many_processes": """
import os, time
def solve(x):
    for _ in range(6):
        if os.fork() == 0:
            block = bytearray(60 << 20)
            for i in range(0, len(block), 4096): block[i] = 1
            time.sleep(60)
    time.sleep(60)
""",
    "file_size_bomb": """
def solve(x):
    with open("big", "wb", 0) as f:
        while True: f.write(bytes(1 << 20))
""",
    "disk_bomb": """
def solve(x):
    i = 0
    while True:
        i += 1
        with open(f"/tmp/{i}", "wb") as f: f.write(bytes(1 << 20))
""",
    "many_files": """
def solve(x):
    i = 0
    while True:
        i += 1
        open(f"{i}", "w").close()
""",
    "memory_outside_the_address_space": """
import os
keep = []
def solve(x):
    while True:
        keep.append(os.memfd_create("hoard"))
        os.write(keep[-1], bytes(1 << 20))
""",
    "descriptor_bomb": "import os\nkeep = []\ndef solve(x):\n    while True: keep.append(os.pipe())\n",
    "output_flood": "def solve(x):\n    while True: print('PASS' * 10000)\n",
    "reply_flood": "def solve(x):\n    return 'x' * (8 << 20)\n",
    "reply_flood_raw": """
import os
def solve(x):
    block = b'v' + b'1' * 65535
    while True:
        for fd in range(3, 10):
            try: os.write(fd, block)
            except OSError: pass
""",
    "busy_loop": "def solve(x):\n    while True: pass\n",
    "huge_power": "def solve(x):\n    return 10 ** 10 ** 9\n",
    "sleep": "import time\ndef solve(x):\n    time.sleep(60)\n",
    "sleep_deaf_to_signals": """
import signal, time
for n in signal.valid_signals():
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
def solve(x):
    while True: time.sleep(60)
""",
    "alarm_handler": """
import os, signal, time
signal.signal(signal.SIGALRM, lambda *a: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.05)
def solve(x):
    time.sleep(60)
""",
    "stop_self": "import os, signal\ndef solve(x):\n    os.kill(os.getpid(), signal.SIGSTOP)\n",
    "deep_recursion": "def solve(x):\n    return solve(x)\n",
    "stack_overflow": """
import sys
sys.setrecursionlimit(10 ** 9)
class A:
    def __getattr__(self, name): return getattr(self, name + "x")
def solve(x):
    return repr(eval("[" * 90 + "]" * 90)) and A().y
""",
    "regex_catastrophe": "import re\ndef solve(x):\n    return re.match('(a+)+$', 'a' * 60 + 'b')\n",
}
