"""The place where generated code runs.

    with open_sandbox() as sandbox:
        answers = sandbox.call(source, "solve", [[1, 2], [3, 4]])
        verdict = passes(answers, [3, 7])

`call` serves the oracle: the program gets its source and inputs only; expected values and verdict never leave the
parent. `run` serves graders that are flawed on purpose.
"""

from __future__ import annotations

from harness.contract.sandbox import Limits, Run, Sandbox, Values
from harness.sandbox.oracle import EXACT, Comparison, passes, same
from harness.sandbox.providers import Provider, available, open_sandbox, providers, register, replaced_workers
from harness.sandbox.source import joined

__all__ = [
    "EXACT",
    "Comparison",
    "Limits",
    "Provider",
    "Run",
    "Sandbox",
    "Values",
    "available",
    "joined",
    "open_sandbox",
    "passes",
    "providers",
    "register",
    "replaced_workers",
    "same",
]
