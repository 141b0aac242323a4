"""What a command does: its output on fresh trees, in the sandbox. What is expected of it never enters there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from harness.sandbox import Limits, Sandbox
from harness_plugins.tasks.inversion.tree import DAY, EPOCH, Tree

LIMITS = Limits(seconds=5.0, memory_mb=512)
PATIENCE = 1.0  # seconds of one command on one tree
OUTPUT = 20_000  # characters

RUNNER = """
import io, os, signal, subprocess, tarfile


def run(command, place, tree, patience, most):
    os.mkdir(place)
    for folder in tree["folders"]:
        os.makedirs(f"{place}/{folder}")
    for path, text in tree["files"].items():
        os.makedirs(os.path.dirname(f"{place}/{path}"), exist_ok=True)
        with open(f"{place}/{path}", "w") as file:
            file.write(text)
    for path, members in tree["archives"].items():
        os.makedirs(os.path.dirname(f"{place}/{path}"), exist_ok=True)
        with tarfile.open(f"{place}/{path}", "w") as archive:
            for name, text in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
    for path, seconds in tree["times"].items():
        os.utime(f"{place}/{path}", (seconds, seconds))
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    shell = next(path for path in ("/usr/bin/sh", "/bin/sh") if os.path.exists(path))
    process = subprocess.Popen(
        [shell, "-c", command],
        cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    return [process.returncode, out.decode(errors="replace")[:most], err.decode(errors="replace")[:200]]
"""


@dataclass(frozen=True)
class Result:
    """`status` is the shell's: 0 where the command succeeded; negative where a signal ended it."""

    status: int
    output: str
    complaint: str = ""


def run(sandbox: Sandbox, command: str, trees: Sequence[Tree]) -> list[Result]:
    """The results on the trees in order, or on those before the one that ended the program. Never raises on any text."""
    text = command.replace("\0", "").encode(errors="replace").decode()  # neither can be an argument of a process
    inputs: list[list[JsonValue]] = [
        [text, f"tree{number}", _plain(tree), PATIENCE, OUTPUT] for number, tree in enumerate(trees)
    ]
    found = sandbox.call(RUNNER, "run", inputs, LIMITS).values
    return [Result(int(one[0]), str(one[1]), str(one[2])) for one in found if isinstance(one, list)]  # type: ignore[arg-type]


def _plain(tree: Tree) -> dict[str, JsonValue]:
    return {
        "files": {**tree.files},
        "folders": [*tree.folders],
        "times": {path: EPOCH + DAY * days for path, days in tree.days.items()},
        "archives": {path: {**members} for path, members in tree.archives.items()},
    }
