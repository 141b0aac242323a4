"""Both methods of a local sandbox, given a way to run one program: what was written becomes `Values` or `Run`."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from harness.contract.sandbox import Limits, Run, Sandbox, Values

MAX_DEPTH = 64


@dataclass(frozen=True)
class Ended:
    """How a program ended. `status` is its exit code, or minus its signal; `stopped` names the limit that ended it."""

    status: int
    streams: list[bytes] = field(default_factory=list)  # reply; and for scripts stdout, stderr
    timed_out: bool = False
    stopped: str | None = None


class LocalSandbox(Sandbox):
    """A sandbox on this machine; a kind says only how one program is run and ended."""

    def call(
        self, source: str, entry: str, inputs: Sequence[Sequence[JsonValue]], limits: Limits | None = None
    ) -> Values:
        work = {"source": source, "entry": entry, "inputs": [list(arguments) for arguments in inputs]}
        ended = self._program("call", work, limits or Limits())
        values, error = read_values(ended.streams[0] if ended.streams else b"", len(inputs))
        if len(values) < len(inputs) or ended.stopped:
            error = ended.stopped or error or f"the program ended ({status_name(ended.status)}) before its last value"
        return Values(values=tuple(values), error=error, timed_out=ended.timed_out)

    def run(self, source: str, limits: Limits | None = None) -> Run:
        ended = self._program("run", {"source": source}, limits or Limits())
        files, out, err = ended.streams or [b"", b"", b""]
        return Run(
            exit_code=ended.status if ended.status >= 0 else None,
            signal=-ended.status if ended.status < 0 else None,
            stdout=out.decode(errors="replace"),
            stderr=err.decode(errors="replace"),
            files=read_files(files),
            timed_out=ended.timed_out,
        )

    @abstractmethod
    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        """Run one program to its end, and leave nothing of it behind."""


def status_name(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {-status}"


def read_files(reply: bytes) -> dict[str, str]:
    try:
        return dict(json.loads(reply or b"{}"))
    except ValueError:  # the worker was ended while it collected them
        return {}


def read_values(reply: bytes, wanted: int) -> tuple[list[JsonValue], str | None]:
    """The values of a reply up to the first line that is not one, and why it ended there.

    The reply is whatever the program chose to write: anything but `v` and well-formed JSON ends it.
    """
    values: list[JsonValue] = []
    lines = reply.split(b"\n")
    for line in lines[:-1]:  # the last piece is empty, or a line that its writer did not finish
        if line.startswith(b"e"):
            return values, line[1:].decode(errors="replace")[:400]
        if len(values) == wanted:
            return values, "more values than inputs"
        try:
            if not line.startswith(b"v"):
                raise ValueError("neither a value nor an error")
            value = json.loads(line[1:])
            check_well_formed(value, MAX_DEPTH)
        except (ValueError, RecursionError) as error:
            return values, f"value {len(values) + 1} is not well-formed: {type(error).__name__}: {error}"[:400]
        values.append(value)
    return values, "more values than inputs" if lines[-1] and len(values) == wanted else None


def check_well_formed(value: JsonValue, depth: int) -> None:
    """Raises ValueError on what JSON lets through but a record cannot hold: lone surrogates, endless nesting."""
    if depth == 0:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for element in value:
            check_well_formed(element, depth - 1)
    elif isinstance(value, dict):
        for key, element in value.items():
            key.encode()
            check_well_formed(element, depth - 1)
