"""Attacks the worker, or leaves something behind for the next program."""

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
    for path in (json.__file__, sys.executable, "/harness/inside/zygote.py", "/dev/null", "/x", "/usr/x", "/lib64/x"):
        for how in (lambda: open(path, "a").write("pwned"), lambda: os.unlink(path), lambda: os.chmod(path, 0o777)):
            try: how()
            except OSError: continue
            if path != "/dev/null": return "done " + path
    return "refused"
""",
}
