"""The three prompts of an item: write a command, read the task back from it, say how well the two agree."""

from __future__ import annotations

from harness import Prompt
from harness_plugins.tasks.inversion.goals.template import Goal
from harness_plugins.tasks.inversion.spec import InversionParams

COMMAND, INVERSION, RATING = "command", "inversion", "rating"

_COMMAND = "Write one {tool} for this task. Reply with the command alone, on one line.\nTask: {goal}"
_INVERSION = "What task does this {tool} do? Reply with the task alone, in one sentence.\nCommand: {{command}}"
_RATING = "How well do these two tasks agree, from 0 to 10? Reply with the number alone.\nFirst: {goal}\nSecond: {{inversion}}"


def prompts(goal: Goal, params: InversionParams) -> list[Prompt]:
    """The second quotes the reply to the first, the third the reply to the second."""
    tool = f"{goal.tool} command" if params.names_tool else "command"
    command = Prompt(role=COMMAND, text=_COMMAND.format(tool=tool, goal=goal.text), max_tokens=params.max_tokens)
    if params.proxy == "says":
        return [command]
    return [
        command,
        Prompt(role=INVERSION, text=_INVERSION.format(tool=tool), max_tokens=params.max_tokens, quotes=(COMMAND,)),
        Prompt(role=RATING, text=_RATING.format(goal=goal.text), max_tokens=8, quotes=(INVERSION,)),
    ]
