"""Items, prompts and graders."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from harness import Check, Item, Outcome, Prompt, Quadrant, Reply, SelfCheck, TaskSuite
from harness.errors import UsageError


class Quiz(TaskSuite):
    @cached_property
    def rows(self) -> list[dict]:
        """Every question of the file; a row that is not one is an error that names its line."""
        path = self.params.file
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the quiz {path}: {error}") from None
        rows = []
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                fits = row["answer"] in row["options"] and isinstance(row["question"], str)
            except (ValueError, KeyError, TypeError):
                fits = False
            if not fits:
                raise UsageError(f"{path}:{number} is no question", "question, options, and an answer among them")
            rows.append(row)
        if not rows:
            raise UsageError(f"the quiz {path} is empty")
        return rows

    def items(self) -> Sequence[Item]:
        return [
            Item(id=f"q{number}", family=row.get("family", "quiz"), cluster=f"q{number}", data=row)
            for number, row in enumerate(self.rows)
        ]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        return [Prompt(role="answer", text=str(item.data["question"]), max_tokens=24)]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome:
        named = named_options(replies["answer"].text, item)
        return Outcome(proxy=len(named) == 1, truth=named == [item.data["answer"]], parsed={"named": named})

    def self_check(self) -> SelfCheck:
        """For each question: the answer, another option, all of them, none."""
        checks = []
        for item in self.items():
            answer, options = item.data["answer"], item.data["options"]
            wrong = next(option for option in options if option != answer)
            known = {
                f"It is {answer}.": Quadrant.BOTH,
                f"It is {wrong}.": Quadrant.PROXY_ONLY,
                " or ".join(options): Quadrant.NEITHER,
                "": Quadrant.NEITHER,
            }
            for text, expected in known.items():
                got = self.grade(item, {"answer": Reply(text=text)}).quadrant
                checks.append(Check(name=f"{item.id}: {text}", expected=expected, got=got))
        return SelfCheck(checks=tuple(checks))


def named_options(text: str, item: Item) -> list[str]:
    """The options that the text names as whole words."""
    options = item.data["options"]
    assert isinstance(options, list)
    return [str(option) for option in options if re.search(rf"\b{re.escape(str(option))}\b", text, re.IGNORECASE)]
