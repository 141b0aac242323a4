"""A program's own process, from the moment that it is given its work: limits, then either method. Untrusted from there on."""

# No contextlib for one line each; the modules below are imported for programs alone.
# ruff: noqa: PTH123, E401, F401, I001

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import types

# Imported before forking because programs import them often: a fork then finds them loaded.
import array, bisect, collections, copy, dataclasses, datetime, decimal, fractions, functools, heapq, itertools, math
import operator, re, statistics, string, typing


def confine(request):
    """Limits that the program cannot raise again: it has no capability, and hard limits only go down."""
    cpu = int(request["seconds"]) + 2  # sleeping evades it; the harness keeps the wall clock
    for limit, value in {
        resource.RLIMIT_NPROC: request["processes"],
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
    if request["grouped"]:  # before it has anything of its own: what it holds from here on is counted there
        entrance = descriptors.pop()
        os.write(entrance, b"0")
        os.close(entrance)
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


def write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data) :]


def run_script(work):
    """For flawed graders: a script from start to exit, interpreter shutdown and its hooks included."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program.py"]
    exec(compile(work["source"], "program.py", "exec"), module.__dict__)
