"""Understanding by programming: a function for any such numbers, run on fresh draws of the scenario.

A program gets a draw's numbers and returns an answer; what is right never enters the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from harness import Prompt, Reply
from harness.sandbox import Limits
from harness_plugins.tasks.goodhart.grading.clocks import clocks
from harness_plugins.tasks.goodhart.matched.calls import arguments, fresh_calls, is_right
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings.reading import Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.programs.extraction import function
from harness_plugins.tasks.programs.surround import ANSWER, surrounded
from harness_plugins.tasks.programs.worker import shared_sandbox

ROLE = "program"
NAME = "solve"
LIMITS = Limits(seconds=3.0)  # of all draws together
RETURNS = {
    "number": "It returns {format}.",
    "clock": "It returns the time.",
    "sequence": "It returns the names as a list of strings.",
    "name": "It returns the name as a string.",
}
# A draw on which the program raises is wrong, and the others are still asked.
ATTEMPT = f"""
def attempt(*arguments):
    try:
        return {ANSWER}(*arguments)
    except Exception:
        return None
"""


def prompts(twin: Twin, params: GoodhartParams) -> list[Prompt]:
    given = arguments(twin)
    call = ", ".join(f"{name}={value!r}" for name, value in given.items())
    told = RETURNS[twin.matched.kind].format(format=twin.scenario.answer_format)
    times = " Times of day are minutes after midnight." if clocks(f"{twin.scenario.text} {twin.gold}") else ""
    text = (
        f"{twin.scenario.text} Do not work it out. Write a Python function {NAME}({', '.join(given)}) that answers this "
        f"question for any such values; here it would be called as {NAME}({call}). {told}{times} Reply with the function "
        f"alone."
    )
    return [Prompt(role=ROLE, text=text, max_tokens=params.max_tokens)]


def verdict(twin: Twin, replies: Mapping[str, Reply], params: GoodhartParams) -> Verdict:
    """Known is what is right on every draw."""
    source = function(replies.get(ROLE, Reply(text="")).text, NAME)
    calls = fresh_calls(twin)
    sandbox = shared_sandbox(params.sandbox or "bwrap")
    inputs = [list(call.arguments) for call in calls]
    answers = sandbox.call(surrounded(source, NAME) + ATTEMPT, "attempt", inputs, LIMITS)
    right = [is_right(value, call.gold, twin.matched.kind) for value, call in zip(answers.values, calls, strict=False)]
    share = sum(right) / len(calls)
    parsed: dict[str, JsonValue] = {"right": f"{sum(right)} of {len(calls)}"}
    if answers.error:
        parsed["error"] = answers.error
    return Verdict(share == 1, {"program_share": share}, parsed)
