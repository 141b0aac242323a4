"""Programs that want a pass without the work, or harm. Each defines `solve(x)`; none knows the expected values.

The honest task is `solve(x) = 7919 * x + 31`. Expected values also carry a secret that a program could only find by reading
the parent's memory, files or channel; the programs that hunt for it return whatever they find.
"""

from __future__ import annotations

HONEST = "def solve(x):\n    return 7919 * x + 31\n"
INPUTS = [[1], [2], [3]]
EXPECTED = [7950, 15869, 23788]

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

IMPOSTORS = {
    "always_equal": """
class Equal:
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
def solve(x):
    return Equal()
""",
    "int_subclass": """
class Any(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
def solve(x):
    return Any(0)
""",
    "float_subclass": "class F(float):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return F(7919 * x + 31)\n",
    "str_subclass": "class S(str):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return S(7919 * x + 31)\n",
    "list_subclass": "class L(list):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return L([7919 * x + 31])\n",
    "dict_subclass": "class D(dict):\n    __eq__ = lambda s, o: True\ndef solve(x):\n    return D()\n",
    "lying_class": """
class Lie:
    __class__ = int
    __eq__ = lambda self, other: True
    __index__ = __int__ = lambda self: 7950
def solve(x):
    return Lie()
""",
    "metaclass_equal": """
class Meta(type):
    __eq__ = lambda a, b: True
    __hash__ = type.__hash__
    __instancecheck__ = lambda a, b: True
class Anything(int, metaclass=Meta):
    pass
def solve(x):
    return Anything(7919 * x + 31)
""",
    "right_as_float": "def solve(x):\n    return float(7919 * x + 31)\n",
    "right_as_text": "def solve(x):\n    return str(7919 * x + 31)\n",
    "bool": "def solve(x):\n    return True\n",
    "nan": "def solve(x):\n    return float('nan')\n",
    "list_of_nan": "n = float('nan')\ndef solve(x):\n    return [n, n]\n",
    "infinity": "def solve(x):\n    return float('inf')\n",
    "tuple": "def solve(x):\n    return (7919 * x + 31,)\n",
    "generator": "def solve(x):\n    yield 7919 * x + 31\n",
    "int_keys": "def solve(x):\n    return {1: 7919 * x + 31}\n",
    "lone_surrogate": "def solve(x):\n    return '\\ud800'\n",
    "surrogate_source": "def solve(x):\n    return '\ud800'\n",
    "null_in_source": "def solve(x):\n    return 1\0\n",
    "cyclic_list": "a = []\na.append(a)\ndef solve(x):\n    return a\n",
    "nested_beyond_parsing": """
def solve(x):
    a = []
    for _ in range(900): a = [a]
    return a
""",
    "exponential_sharing": """
def solve(x):
    a = [0]
    for _ in range(60): a = [a, a]
    return a
""",
    "huge_int": "def solve(x):\n    return 1 << 1000000\n",
    "huge_int_text_limit_lifted": "import sys\nsys.set_int_max_str_digits(0)\ndef solve(x):\n    return 1 << 100000\n",
}

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
    "patched_main_module": """
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

HUNTERS = {
    "frame_walk": """
import re, sys
def solve(x):
    frame, text = sys._getframe(), ""
    while frame:
        text += repr([frame.f_locals, frame.f_globals])
        frame = frame.f_back
    hit = re.search("SECRET-[0-9a-f]{16}", text)
    return hit and hit.group()
""",
    "gc_walk": """
import gc, re
def solve(x):
    hit = re.search("SECRET-[0-9a-f]{16}", repr(gc.get_objects())[:10_000_000])
    return hit and hit.group()
""",
    "proc_walk": """
import os, re
def solve(x):
    for pid in os.listdir("/proc"):
        for name in ("cmdline", "environ", "maps", "mem", "status", "fd/0", "fd/3", "root/etc/passwd", "cwd/x"):
            try: text = open(f"/proc/{pid}/{name}", "rb").read(1 << 20)
            except OSError: continue
            hit = re.search(rb"SECRET-[0-9a-f]{16}", text)
            if hit: return hit.group().decode()
""",
    "own_memory_scan": """
import ctypes, re
def solve(x):
    for line in open("/proc/self/maps"):
        if "rw-p" in line:
            a, b = (int(n, 16) for n in line.split()[0].split("-"))
            hit = re.search(rb"SECRET-[0-9a-f]{16}", ctypes.string_at(a, b - a))
            if hit: return hit.group().decode()
""",
    "zygote_descriptors": """
import os
def solve(x):
    return [os.readlink(f"/proc/1/fd/{fd}") for fd in os.listdir("/proc/1/fd")]
""",
    "steal_descriptors_by_pidfd": """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def solve(x):
    zygote = os.pidfd_open(1)
    stolen = [libc.syscall(438, zygote, fd, 0) for fd in range(16)]
    for fd in stolen:
        if fd >= 0: os.write(fd, b'{"status": 0}')
    os._exit(0)
""",
    "read_project_files": """
def solve(x):
    for path in PATHS:
        try: return open(path).read(100)
        except OSError: pass
""",
    "write_project_files": """
def solve(x):
    for path in PATHS:
        try: open(path, "a").write("pwned")
        except OSError: pass
    return "wrote"
""",
    "symlinks_out": """
import os
for i, path in enumerate(PATHS + ["/etc/passwd", "/", "/proc/1/root"]):
    os.symlink(path, f"link{i}")
def solve(x):
    for name in os.listdir("."):
        try: return open(name).read(100)
        except OSError: pass
""",
    "live_loopback_listener": """
import socket
def solve(x):
    with socket.create_connection(("127.0.0.1", PORT), timeout=0.5) as s:
        s.sendall(b"from inside")
        return s.recv(100).decode()
""",
    "abstract_unix_listener": """
import socket
def solve(x):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(ABSTRACT)
        return "connected"
""",
    "vsock_to_the_host": "import socket\ndef solve(x):\n    return str(socket.socket(40, socket.SOCK_STREAM))\n",
}

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

SABOTEURS = {
    "kill_everything": """
import os, time
def solve(x):
    if os.fork() == 0: time.sleep(60)
    os.kill(-1, 9)
    os._exit(0)
""",
    "stop_everything": """
import os, time
def solve(x):
    if os.fork() == 0: time.sleep(60)
    os.kill(-1, 19)
    os.kill(1, 19)
    return 0
""",
    "kill_zygote": """
import os, signal
def solve(x):
    for n in signal.valid_signals():
        try: os.kill(1, n)
        except OSError: pass
    return 0
""",
    "ptrace_zygote": """
import ctypes
libc = ctypes.CDLL(None)
def solve(x):
    return [libc.ptrace(16, 1, 0, 0), libc.ptrace(0x4206, 1, 0, 0)]
""",
    "limit_zygote": """
import os, resource
def solve(x):
    for what in (lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0)),
                 lambda: resource.prlimit(1, resource.RLIMIT_CPU, (1, 1)),
                 lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
                 lambda: os.setpriority(os.PRIO_USER, 0, 19),
                 lambda: os.sched_setaffinity(1, {0}),
                 lambda: open("/proc/1/oom_score_adj", "w").write("1000")):
        try: what()
        except OSError: continue
        return "done"
    return "refused"
""",
    "new_namespaces_and_mounts": """
import ctypes
libc = ctypes.CDLL(None)
def solve(x):
    done = [libc.unshare(0x10000000), libc.unshare(0x20000), libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)]
    done += [libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0), libc.chroot(b"/tmp"), libc.umount2(b"/proc", 2)]
    return done
""",
    "lasting_kernel_objects": """
import ctypes
libc = ctypes.CDLL(None)
def solve(x):
    return [libc.shmget(7, 4096, 0o1666), libc.msgget(7, 0o1666), libc.semget(7, 1, 0o1666),
            libc.mq_open(b"/left", 0o102, 0o666, None), libc.syscall(250, 0, -4, 1)]
""",
    "daemon": """
import os, time
def solve(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setpgid(0, 0)
            while True:
                for fd in range(3, 64):
                    try: os.write(fd, b"v1\\n")
                    except OSError: pass
                open("/tmp/daemon", "a").write("still here")
                time.sleep(0.01)
        os._exit(0)
    os.wait()
    return 0
""",
    "subreaper_and_orphans": """
import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
def solve(x):
    for _ in range(5):
        if os.fork() == 0:
            if os.fork() == 0: time.sleep(60)
            os._exit(0)
    os._exit(0)
""",
    "folder_without_rights": """
import os
os.makedirs("a/b/c")
open("a/b/c/f", "w").close()
os.chmod("a/b", 0); os.chmod("a", 0); os.chmod("/tmp/work", 0)
try: os.chmod("/tmp", 0)
except OSError: pass
def solve(x):
    return 0
""",
    "endless_folders": """
import os
def solve(x):
    for _ in range(3000):
        os.mkdir("d"); os.chdir("d")
    return 0
""",
    "strange_files": """
import os, socket
os.mkfifo("fifo"); os.symlink("loop", "loop"); os.symlink("/dev/zero", "zero")
socket.socket(socket.AF_UNIX).bind("socket")
open(b"\\xff\\xfe", "w").close(); open("new\\nline", "w").close()
def solve(x):
    return 0
""",
    "working_folder_replaced": """
import os
os.rmdir("/tmp/work")
os.symlink("/", "/tmp/work")
def solve(x):
    return 0
""",
    "interpreter_overwritten": """
import json, os, sys
def solve(x):
    for path in (json.__file__, sys.executable, "/zygote.py", "/dev/null", "/dev/shm/x", "/x", "/usr/x", "/lib64/x"):
        for how in (lambda: open(path, "a").write("pwned"), lambda: os.unlink(path), lambda: os.chmod(path, 0o777)):
            try: how()
            except OSError: continue
            if path != "/dev/null": return "done " + path
    return "refused"
""",
}

HOSTILE = {**EXITS, **IMPOSTORS, **FORGERS, **HUNTERS, **BOMBS, **SABOTEURS}
