"""What a caller of the sandbox gives and gets: all that a provider (bubblewrap, a container, a service) must speak."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar, Self

from pydantic import Field, JsonValue

from harness.contract.records import Record


class Limits(Record):
    """Resource limits of one program and everything it starts."""

    seconds: float = Field(
        default=3.0, gt=0, allow_inf_nan=False
    )  # of the whole call, less waiting for a processor; kept by the parent
    memory_mb: int = Field(default=512, ge=64)  # address space of each process; of all together, what they hold
    output_bytes: int = Field(default=65536, ge=0)  # kept of stdout and of stderr; larger files are not returned
    reply_bytes: int = Field(default=1 << 22, ge=0)  # all values of a call as JSON; more ends the program
    file_bytes: int = Field(default=1 << 20, ge=0)  # largest file a program may write
    processes: int = Field(default=16, ge=1)  # processes and threads alive at once


class Values(Record):
    """Answers of `Sandbox.call`: a prefix of the inputs, in order; fewer values than inputs is a failed program.

    Every value is of exact builtin type (None, bool, int, float, str, list, dict with str keys). `error` says in one
    line what ended the prefix; it is text of the untrusted program and no evidence of anything.
    """

    values: tuple[JsonValue, ...] = ()
    error: str | None = None
    timed_out: bool = False


class Run(Record):
    """What a script left behind: its exit code or, if one ended it, the signal (9 when a limit stopped it)."""

    exit_code: int | None = None
    signal: int | None = None
    stdout: str = ""
    stderr: str = ""
    files: dict[str, str] = Field(default={})  # small UTF-8 files in its working folder, by relative path
    timed_out: bool = False


class Sandbox(ABC):
    """One worker that runs untrusted programs one after another. Not thread-safe: open one per thread.

    Neither method raises on anything a program does: a program that kills its worker gets a verdict, and the worker is
    replaced and counted in `replaced`.
    """

    kind: ClassVar[str]
    replaced: int = 0  # workers lost to a program and started anew

    @abstractmethod
    def call(
        self, source: str, entry: str, inputs: Sequence[Sequence[JsonValue]], limits: Limits | None = None
    ) -> Values:
        """Call a program's function with each element of `inputs` as positional arguments.

        `source` is executed (`__name__` is "solution"), then `entry`, an expression such as "solve" or
        "Solution().two_sum", is evaluated once in its namespace. The program receives source and inputs and nothing
        else: expected values, comparison, counts and clock stay with the caller.
        """

    @abstractmethod
    def run(self, source: str, limits: Limits | None = None) -> Run:
        """Run `source` as a script (`__name__ == "__main__"`) in an empty working folder.

        For graders that are flawed on purpose: everything it returns is under the program's control.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop the worker and everything it started. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
