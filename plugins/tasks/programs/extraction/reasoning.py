"""A reply without its reasoning: blocks that a model writes to itself, in the marks that model families use."""

from __future__ import annotations

import re
from typing import NamedTuple

_TAGS = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think|analysis|inner_monologue"
_MARK = re.compile(
    rf"""(?<!["'`])(?:  # in quotes, a mark is text of a program
    (?P<opening>(?m:^)[ \t]*(?:<(?:{_TAGS})>|◁think▷|\[THINK\]|<\|begin_of_thought\|>
        |<\|channel\|>\s*(?:analysis|commentary)\b[^<\n]*<\|message\|>))
    |</(?:{_TAGS})>|◁/think▷|\[/THINK\]|<\|end_of_thought\|>|<\|channel\|>\s*final\s*<\|message\|>
    )(?!["'`])""",
    re.IGNORECASE | re.VERBOSE,
)
_NAMED_CHANNELS = re.compile(r"\Aanalysis[\s\S]*?assistantfinal", re.IGNORECASE)  # without their special tokens
# What stands around an answer, or is left of a chat template.
_WRAPPER = r"(?:</?(?:answer|solution|code|response)>|<\|\w{1,40}\|>)"
_WRAPPING = re.compile(rf"^[ \t]*{_WRAPPER}|{_WRAPPER}[ \t]*$", re.IGNORECASE | re.MULTILINE)


class Parts(NamedTuple):
    """`thought` is the text after an opening mark that is never closed (the reply was cut, or forgot to close it); all that was
    thought where nothing is answered."""

    answer: str
    thought: str


def without_reasoning(reply: str) -> Parts:
    """What the reply says when it is not thinking. Its first opening mark may be missing (the prompt ended with it)."""
    text = _NAMED_CHANNELS.sub("", reply)
    said: list[str] = []
    thought: list[str] = []
    start, thinking = 0, False
    for mark in _MARK.finditer(text):
        if mark["opening"] is None:
            thought.append(text[start : mark.start()])
            start, thinking = mark.end(), False
        elif not thinking:
            said.append(text[start : mark.start()])
            start, thinking = mark.end(), True
    (thought if thinking else said).append(text[start:])
    answer = _WRAPPING.sub("\n", "\n".join(said))
    if answer.strip():
        thought = thought[-1:] if thinking else []
    return Parts(answer, _WRAPPING.sub("\n", "\n".join(thought)))
