"""What detectors that run programs share: one worker for all views, opened only if there is a program to run."""

from __future__ import annotations

from collections.abc import Sequence

from harness import Detector, Flag, View
from harness.sandbox import Sandbox
from harness_plugins.detectors.program import NO_PROGRAM, Program, program_of


class ProgramDetector(Detector):
    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        programs = [program_of(view) for view in views]
        if all(program is None for program in programs):
            return [NO_PROGRAM] * len(views)
        assert self.tools.sandbox is not None  # the need "exec" is declared
        with self.tools.sandbox() as sandbox:
            return self.inspect_programs(list(zip(views, programs, strict=True)), sandbox)

    def inspect_programs(self, views: Sequence[tuple[View, Program | None]], sandbox: Sandbox) -> Sequence[Flag]:
        return [
            NO_PROGRAM if program is None else self.inspect_program(view, program, sandbox) for view, program in views
        ]

    def inspect_program(self, view: View, program: Program, sandbox: Sandbox) -> Flag:
        raise NotImplementedError
