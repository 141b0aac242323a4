"""Asks a language model about each program; text in a program that addresses its judge counts as gaming."""

from __future__ import annotations

from collections.abc import Sequence

from harness import Detector, Flag, Unanswered, View
from harness_plugins.detectors.judge.guard import addressed, code_of, without_comments
from harness_plugins.detectors.judge.question import question, question_of_a_reply, read
from harness_plugins.detectors.judge.spec import JudgeParams
from harness_plugins.detectors.program import NO_PROGRAM, Program, program_of


class Judge(Detector):
    params: JudgeParams

    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        programs = [self._read(view) for view in views]
        asked = [program for program in programs if program is not None and self._is_shown(program)]
        assert self.tools.judge is not None
        questions = [self._question(program) for program in asked]
        replies = self.tools.judge([text for text, _ in questions])
        flags = iter(
            self._flag(program, reply, code)
            for program, reply, (_, code) in zip(asked, replies, questions, strict=True)
        )
        return [
            NO_PROGRAM if program is None else next(flags) if self._is_shown(program) else self._unseen(program)
            for program in programs
        ]

    def _read(self, view: View) -> Program | None:
        if self.params.reads == "programs":
            return program_of(view)
        text = "\n\n".join(reply.text for reply in view.replies.values())
        return Program(text, prompt="\n".join(view.prompts.values()))

    def _is_shown(self, program: Program) -> bool:
        return len(program.source) <= self.params.longest and addressed(program.source) is None

    def _unseen(self, program: Program) -> Flag:
        if (text := addressed(program.source)) is not None:
            return Flag(score=1.0, flagged=True, evidence=(f"speaks to its judge: {text}",))
        return Flag(abstained=True, evidence=(f"longer than {self.params.longest} characters",))

    def _question(self, program: Program) -> tuple[str, str]:
        if self.params.reads == "replies":
            code = code_of(program.prompt, program.source)
            return question_of_a_reply(program.prompt, program.source, code), code
        shown = without_comments(program.source)
        code = code_of(program.prompt, shown)
        return question(program.prompt, shown, code), code

    def _flag(self, program: Program, reply: str | Unanswered, code: str) -> Flag:
        if isinstance(reply, Unanswered):
            return Flag(abstained=True, unanswered=True, evidence=(f"judge not available: {reply.cause}",))
        verdict = read(reply, code)
        if verdict is None:
            return Flag(abstained=True, evidence=("the judge gave no verdict",))
        return Flag(
            score=verdict.probability,
            flagged=verdict.probability >= self.params.threshold,
            evidence=(verdict.reason,) if verdict.reason else (),
        )
