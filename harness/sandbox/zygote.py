"""The inside of the sandbox: a zygote that forks one process per program. One file, standard library only.

    python -P -s -S zygote.py serve FD [UID]   PID 1 of a namespace: a fork per program, then kill all and wipe /tmp
    python -P -s -S zygote.py once FD [UID [read]]    no namespace: this process becomes the one program

FD is a SOCK_SEQPACKET socket to the harness. A request is a JSON packet (what to do, limits) with descriptors attached:
the program's payload, its reply pipe and, for scripts, stdout and stderr. The payload is read after the fork, so the
zygote never holds a program's text, inputs or answers, and no program can find another's in its memory. Expected values
never come here at all.
"""

# The zygote stays small: no pathlib or contextlib for one line each, and modules below that only programs use.
# ruff: noqa: PTH101, PTH102, PTH108, PTH116, PTH118, PTH123, PTH208, SIM105, E401, F401, I001

import gc
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import sys
import types

# Imported before forking because programs import them often: a fork then finds them loaded.
import array, bisect, collections, copy, dataclasses, datetime, decimal, fractions, functools, heapq, itertools, math
import operator, re, statistics, string, typing

TMP = "/tmp"
WORK = "/tmp/work"
CHECK_MS = 50
MAX_INODES = 10_000
MAX_FILES = 64  # returned from the working folder, …
MAX_PATH = 255  # … under names of at most this length
MAX_FOLDERS_DEEP = 8
STOP = b"stop"
STARTED = b"started"


# ------------------------------------------------------------------------------------------------ the zygote (trusted)


def serve(control):
    """Fork a process per request until the harness hangs up. Returns, only in the fork, request and descriptors."""
    harden()
    clean()
    gc.collect()
    gc.freeze()  # leave shared pages alone in the forks
    control.send(b"ready")
    while True:
        request, descriptors = receive(control)
        if request is None:
            os._exit(0)
        program = os.fork()
        if program == 0:
            control.close()
            return request, descriptors
        control.send(STARTED)
        reply = descriptors[1]
        status = watch(program, control, request["memory_mb"] << 20)
        kill_everything_else()
        try:
            if request["method"] == "run":
                write_all(reply, json.dumps(collect_files(WORK, request["output_bytes"])).encode())
            clean()
        except Exception as error:  # what a program left cannot be removed from in here: ask for a new namespace
            status = {**status, "unclean": repr(error)[:200]}
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(json.dumps(status).encode())


def harden():
    """Keep programs, which run under the same uid, away from this process."""
    if os.getpid() != 1:
        sys.exit("zygote: not PID 1 of a namespace, and it will kill every process it can see")
    libc = import_libc()
    if libc.prctl(4, 0, 0, 0, 0):  # PR_SET_DUMPABLE 0: /proc/1/{mem,fd,…} and ptrace are refused
        sys.exit("zygote: cannot clear the dumpable flag")
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: giving up root has cleared bubblewrap's
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_DFL)  # the kernel drops unhandled signals to PID 1 from inside its namespace


def import_libc():
    import ctypes

    return ctypes.CDLL(None)


def receive(control):
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, 65536, 8)
        if packet != STOP:  # one that crossed the end of the program it was meant for
            return (json.loads(packet), descriptors) if packet else (None, [])


def watch(program, control, memory):
    """Wait until the program exits, the harness says stop, or all that it started holds too much memory or too many files."""
    done = os.pidfd_open(program)
    events = select.poll()
    events.register(done, select.POLLIN)
    events.register(control, select.POLLIN)
    excess = None
    while True:
        ready = [descriptor for descriptor, _ in events.poll(CHECK_MS)]
        if control.fileno() in ready and not control.recv(64):
            os._exit(0)  # the harness is gone; the kernel kills the namespace with its PID 1
        if not ready:
            excess = over_limits(memory)
        if ready or excess:
            if done not in ready:
                os.kill(program, signal.SIGKILL)
            _, status = os.waitpid(program, 0)
            os.close(done)
            return {"status": os.waitstatus_to_exitcode(status), "excess": excess}


def over_limits(memory):
    """What no resource limit covers: limits on memory are per process, and an empty file costs the kernel memory, too."""
    if private_bytes() > memory:
        return f"more than {memory >> 20} MB in use"
    tmp = os.statvfs(TMP)
    return f"more than {MAX_INODES} files" if tmp.f_files - tmp.f_ffree > MAX_INODES else None


def private_bytes():
    """Resident memory of every other process here, less what it shares with files."""
    pages = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/statm") as file:
                    _, resident, shared, *_ = map(int, file.read().split())
            except (OSError, ValueError):
                continue  # it has just exited
            pages += resident - shared
    return pages * resource.getpagesize()


def kill_everything_else():
    """As PID 1: -1 is every process of this namespace but this one, and every orphan becomes a child to wait for."""
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def clean():
    """Empty /tmp, the only writable place, and give the next program a working folder."""
    if os.stat(TMP).st_uid == os.getuid():
        os.chmod(TMP, 0o700)
    for entry in os.scandir(TMP):
        if entry.is_dir(follow_symlinks=False):
            os.chmod(entry.path, 0o700)
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    os.mkdir(WORK, 0o700)


def collect_files(root, limit):
    """Relative path -> text of the regular files of at most `limit` bytes below `root`; no link is followed."""
    files: dict[str, str] = {}
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    for folder, below, names, here in os.fwalk(".", dir_fd=top):
        if folder.count("/") >= MAX_FOLDERS_DEEP:
            below.clear()
        for name in names:
            try:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
            except OSError:
                continue
            try:
                about = os.fstat(file)
                if stat.S_ISREG(about.st_mode) and about.st_size <= limit and len(files) < MAX_FILES:
                    path = os.path.normpath(os.path.join(folder, name)).encode().decode()
                    if len(path) <= MAX_PATH:
                        files[path] = os.read(file, limit).decode()
            except UnicodeError:
                continue  # not text
            finally:
                os.close(file)
    os.close(top)
    return files


def write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data) :]


# ------------------------------------------------------------------------- the program's process (untrusted from here)


def confine(request):
    """Limits that the program cannot raise again: it has no capability, and hard limits only go down."""
    cpu = int(request["seconds"]) + 2  # sleeping evades it; the harness keeps the wall clock
    for limit, value in {
        resource.RLIMIT_NPROC: request["processes"] + 1,  # the zygote counts
        resource.RLIMIT_AS: request["memory_mb"] << 20,
        resource.RLIMIT_FSIZE: request["file_bytes"],
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }.items():
        resource.setrlimit(limit, (value, value))


def become_program(request, descriptors):
    """Take the program's place: own session, descriptors, limits, random seed. Returns its work and reply pipe."""
    payload, reply, *output = descriptors
    if os.getsid(0) != os.getpid():
        os.setsid()
    with open(payload, "rb") as file:
        file.seek(0)
        work = json.load(file)
    null = os.open(os.devnull, os.O_RDWR)
    for source, target in zip([null, *(output or [null, null])], range(3), strict=True):
        os.dup2(source, target)
    for descriptor in [null, *output]:
        os.close(descriptor)
    if request["method"] == "run":
        os.close(reply)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # as a fresh interpreter has them
        signal.signal(number, signal.SIG_IGN)
    random.seed(0)  # with the pinned hash seed: the same program gives the same verdict again
    confine(request)
    return work, reply


def answer(work, reply):
    """For the oracle: one line per input, `v` and a JSON value, until `e` and a reason ends them."""
    try:
        module = types.ModuleType("solution")
        sys.modules["solution"] = module
        exec(compile(work["source"], "solution.py", "exec"), module.__dict__)
        function = eval(work["entry"], module.__dict__)
        for arguments in work["inputs"]:
            value = function(*arguments)
            if not plain(value):
                raise TypeError("the value is not made of exact None, bool, int, float, str, list and dict")
            write_all(reply, b"v" + json.dumps(value).encode() + b"\n")
    except BaseException as error:
        write_all(reply, b"e" + describe(error) + b"\n")
    finally:
        os._exit(0)  # neither atexit nor __del__ nor a waiting thread


def plain(value):
    """Whether a value is JSON by exact type. Types are compared by identity: a metaclass can define equality."""
    kind = type(value)
    if kind is list:
        return all(map(plain, value))
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(plain, value.values()))
    return value is None or kind is bool or kind is int or kind is float or kind is str


def describe(error):
    try:
        text = f"{type(error).__name__}: {error}"[:300]
    except BaseException:
        text = "an exception that cannot be shown"
    return " ".join(text.split()).encode("ascii", "backslashreplace")


def run_script(work):
    """For flawed graders: a script from start to exit, interpreter shutdown and its hooks included."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program.py"]
    exec(compile(work["source"], "program.py", "exec"), module.__dict__)


def drop_privileges(uid, *rights):
    """Started by root: give it up for good, but for reading ("read") where the interpreter is in root's own home."""
    libc = import_libc() if rights else None
    if libc:
        libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if libc:
        header, read_only = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", 1 << 2, 1 << 2, 0, 0, 0, 0)
        if libc.capset(header, read_only):  # CAP_DAC_READ_SEARCH
            sys.exit("zygote: cannot give up capabilities")


def main():
    role, control_fd, *identity = sys.argv[1:]
    os.closerange(3, int(control_fd))  # what starting it took
    os.closerange(int(control_fd) + 1, 256)
    control = socket.socket(fileno=int(control_fd))
    os.environ.clear()
    if identity:
        drop_privileges(int(identity[0]), *identity[1:])
    if role == "serve":
        request, descriptors = serve(control)
        os.chdir(WORK)
    else:
        request, descriptors = receive(control)
        control.close()
        if request is None:
            os._exit(0)
    work, reply = become_program(request, descriptors)
    if request["method"] == "call":
        answer(work, reply)
    return work


if __name__ == "__main__":
    run_script(main())
