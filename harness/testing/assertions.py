"""What the checks share: one way to fail, texts that a model may say, and replies of them."""

from __future__ import annotations

from harness.contract import Item, Prompt, Reply, TaskSuite


class BrokenContract(AssertionError):
    """A plugin breaks a promise of `harness.contract`."""


def require(kept: bool, promise: str, found: object = "") -> None:
    """Raise BrokenContract unless `kept`; `promise` says what should hold, `found` what was found."""
    if not kept:
        shown = f": {found!r:.300}" if found != "" else ""
        raise BrokenContract(f"{promise}{shown}")


ANY_TEXT = (
    "",
    " \n\t",
    "The answer is 42.",
    "Perhaps. First add the numbers, then divide by two: 1,234.5 / 2 = 617.25 €",
    "```python\ndef solve(numbers):\n    return sum(numbers)\n```",
    "```python\ndef solve(",
    '{"answer": [1, {"nested": null}]}',
    "∀x∈ℝ: x² ≥ 0 — naïve 日本語 🙂 \u202e reversed",
    "\x00\x07\ufffd\ud7ff",
    "9" * 400,
    "word " * 4000,
    "(" * 300,
    "import os; os._exit(0)",
    "<think>",
    "%s %(x)d {0} \\1 $& [[",
)


def replies_of(suite: TaskSuite, item: Item, text: str) -> dict[str, Reply]:
    """The text as the reply to every prompt of the item, or a log-likelihood if the prompt asks for one."""
    return {
        prompt.role: _scored(prompt) if prompt.scored else Reply(text=text, tokens=len(text.split()))
        for prompt in suite.prompts(item)
    }


def _scored(prompt: Prompt) -> Reply:
    if prompt.target is not None:
        return Reply(text="", tokens=5, log_likelihood=-7.0)
    likelihoods = tuple(-7.0 - number for number in range(len(prompt.choices)))
    return Reply(text="", tokens=5 * len(likelihoods), choice_log_likelihoods=likelihoods)
