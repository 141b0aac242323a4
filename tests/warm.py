"""Commands in processes of their own that need not import torch and transformers first.

`run(["-m", "harness", "run", …])` does what `subprocess.run([sys.executable, "-m", "harness", "run", …])` does: a process,
its own working folder, environment and pipes, and an exit status. But the process is forked from one that has loaded the
big libraries, and nothing of the project: our own modules are imported anew each time. A driver's workers are forked alike.
What imports cost, and what is imported at all, is tested on real processes (tests/core/test_lightness.py, tests/packaging).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

LIBRARIES = (
    "torch", "transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto",
    "transformers.tokenization_utils_tokenizers", "transformers.convert_slow_tokenizer", "transformers.generation.utils",
    "transformers.quantizers.auto", "transformers.models.llama.modeling_llama",
    "transformers.models.qwen2.modeling_qwen2", "safetensors.torch", "optimum.gptq", "compressed_tensors", "peft",
    "scipy.stats", "scipy.optimize", "lm_eval.evaluator", "lm_eval.tasks", "lm_eval.models.huggingface", "datasets",
    "pydantic.main", "pydantic.type_adapter", "pluggy", "typer", "rich.markdown", "rich.progress", "tomli_w",
)  # fmt: skip
READ_AT_IMPORT = ("HF_", "TRANSFORMERS_", "OMP_", "MKL_", "TORCH", "TOKENIZERS_", "PYTHONHASHSEED", "CUDA_")

_parents: dict[tuple, _Parent] = {}


def run(
    arguments: Sequence[str],
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    check: bool = False,
    started: Callable[[int], None] = lambda pid: None,
) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS`, which start with -m MODULE or -c CODE, to its end; output as text. `started` is told its process.

    Raises CalledProcessError if `check` is set and it fails.
    """
    env = dict(os.environ if env is None else env)
    key = tuple(sorted(item for item in env.items() if item[0].startswith(READ_AT_IMPORT)))
    if key not in _parents:
        _parents[key] = _Parent(env)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors, Path(os.devnull).open() as nothing:
        wanted = {"arguments": list(arguments), "cwd": str(cwd or Path.cwd()), "env": env}
        code = _parents[key].ask(wanted, (nothing, out, errors), started)
        texts = [_text(file) for file in (out, errors)]
    done = subprocess.CompletedProcess([sys.executable, *arguments], code, *texts)
    if check:
        done.check_returncode()
    return done


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return io.TextIOWrapper(file).read()


class _Parent:
    """The process that has loaded the libraries and forks; seen from the tests."""

    def __init__(self, env: dict[str, str]) -> None:
        self.ours, theirs = socket.socketpair()
        command = [sys.executable, __file__, str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        theirs.close()
        self.replies = self.ours.makefile("r")
        atexit.register(self.ours.close)  # it reads the end and ends

    def ask(self, wanted: dict[str, Any], files: Sequence[IO], started: Callable[[int], None]) -> int:
        message = json.dumps(wanted).encode()
        socket.send_fds(self.ours, [len(message).to_bytes(4, "big")], [file.fileno() for file in files])
        self.ours.sendall(message)
        started(self._number())
        return self._number()

    def _number(self) -> int:
        reply = self.replies.readline()
        assert reply, f"the process that forks ended with {self.process.wait()}"
        return int(reply)


# ------------------------------------------------------------------------------------------- in the process that forks


def serve(link: socket.socket) -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert not {"harness", "harness_plugins"} & sys.modules.keys()
    gc.collect()
    gc.freeze()
    while True:
        size, files, _, _ = socket.recv_fds(link, 4, 3)
        if not size:
            return
        wanted = json.loads(_exactly(link, int.from_bytes(size, "big")))
        pid = os.fork()
        if not pid:
            for number, file in enumerate(files):
                os.dup2(file, number)
            os.closerange(3, 1 + max(*files, link.fileno()))
            os.chdir(wanted["cwd"])
            subprocess.Popen = _Popen  # type: ignore[misc]
            _become(wanted["arguments"], wanted["env"])
        for file in files:
            os.close(file)
        link.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        link.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _exactly(link: socket.socket, size: int) -> bytes:
    message = b""
    while len(message) < size:
        message += link.recv(size - len(message))
    return message


class _Popen(subprocess.Popen):
    """In a fork, `python -m MODULE` is forked from it in turn; every other command is started as ever."""

    def __init__(
        self, args: Any, *, env: dict[str, str] | None = None, pass_fds: Sequence[int] = (), **options: Any
    ) -> None:
        if isinstance(args, list) and args[:2] == [sys.executable, "-m"]:

            def instead_of_exec() -> None:  # called last in the child, with its pipes, session and folder in place
                first = 3
                for kept in (*sorted(pass_fds), os.sysconf("SC_OPEN_MAX")):
                    os.closerange(first, kept)
                    first = kept + 1
                _become(args[1:], env)

            options["preexec_fn"] = instead_of_exec
        super().__init__(args, env=env, pass_fds=pass_fds, **options)


def _become(arguments: Sequence[str], env: dict[str, str] | None) -> NoReturn:
    """In a fork: run -m MODULE or -c CODE as a fresh `python ARGUMENTS` would, and end as it would."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if env is not None:
        os.environ.clear()
        os.environ.update(env)
    installed = [entry for entry in sys.path[1:] if entry not in inherited]
    added = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [str(Path.cwd()), *added, *installed]
    importlib.invalidate_caches()
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    code = 0
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
