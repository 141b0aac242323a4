"""Seeing one program through: hand it over, watch it, end all that it started, say how it went."""

# ruff: noqa: PTH118

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat

CHECK_MS = 50
MAX_FILES = 64  # returned from the working folder, …
MAX_PATH = 255  # … under names of at most this length
MAX_FOLDERS_DEEP = 8
STOP = b"stop"
STARTED = b"started"


def see_through(control, request, descriptors, place, bystanders=()):
    """Watch the program that runs in `place`, end it, and tell the harness.

    A place knows its program's process `child` and its folder; `excess` and `end` are about all that it started, `abandon`
    is the end of this process as well.
    """
    status = watch(control, request["memory_mb"], place, bystanders)
    place.end()
    if request["method"] == "run":
        reply, data = descriptors[1], json.dumps(collect_files(place, request["output_bytes"])).encode()
        while data:
            data = data[os.write(reply, data) :]
    for descriptor in descriptors:
        os.close(descriptor)
    control.send(json.dumps(status).encode())


def receive(control):
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, 65536, 8)
        if packet != STOP:  # one that crossed the end of the program it was meant for
            return (json.loads(packet), descriptors) if packet else (None, [])


def watch(control, memory_mb, place, bystanders):
    """Wait until the program exits, the harness says stop, or all that it started holds too much memory."""
    done = os.pidfd_open(place.child)
    events = select.poll()
    events.register(done, select.POLLIN)
    events.register(control, select.POLLIN)
    excess = None
    while True:
        ready = [descriptor for descriptor, _ in events.poll(CHECK_MS)]
        if control.fileno() in ready and not control.recv(64):
            place.abandon()  # the harness is gone
        if not ready and place.excess(memory_mb << 20, bystanders):
            excess = f"more than {memory_mb} MB in use"
        if ready or excess:
            if done not in ready:
                os.kill(place.child, signal.SIGKILL)
            _, status = os.waitpid(place.child, 0)
            os.close(done)
            return {"status": os.waitstatus_to_exitcode(status), "excess": excess}


def collect_files(place, limit):
    """Relative path -> text of the regular files of at most `limit` bytes in its folder; no link is followed."""
    files: dict[str, str] = {}
    try:
        top = place.work_folder()
    except OSError:  # it has removed the folder, or put something else in its place
        return files
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
