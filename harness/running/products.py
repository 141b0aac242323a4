"""How many floating-point operations a plan's stages take, from shapes and the lengths of what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.checkpoints.checkpoint import stored_bytes
from harness.checkpoints.shape import read_shape
from harness.compression.calibration import CalibrationSource
from harness.contract import AgainstSource, ModelShape, OwnLoop, Prompt, TaskSuite, Trainable, TrainingWork
from harness.contract.trainable import leading_prompt
from harness.planning.cells import Cell
from harness.planning.questions import is_turn, limited, nameless, prompts_of, selected_items

# Of the Goodhart suites' prompts, in the tokens of SmolLM2 and of Qwen2.5: docs/results/rented.md
CHARACTERS = 3.7  # a token
TEMPLATE = 30  # tokens that a chat template puts around a turn


class Size(NamedTuple):
    """Of a model."""

    parameters: float
    stored: int  # bytes of its files
    cached: int  # numbers that a token leaves in the keys and values
    shape: ModelShape

    @classmethod
    def of(cls, folder: str) -> Size:
        shape, stored = read_shape(Path(folder)), stored_bytes(Path(folder))
        keys = [linear.rows for linear in shape.linears if linear.kind == "k_proj"]
        cached = 2 * (sum(keys) or shape.hidden * shape.blocks)
        return cls(8 * stored / shape.linears[0].width, stored, cached, shape)


class Asked(NamedTuple):
    """Tokens of a cell: read (prompts and scored texts), made (replies to their limits), and the longest row."""

    read: float
    made: int
    longest: float
    replies: int


def asked(cell: Cell, suite: TaskSuite) -> Asked | None:
    """None where a library asks in a loop of its own."""
    if isinstance(suite, OwnLoop):
        return None
    items = selected_items(suite, cell.settings.limit)
    prompts = [limited(prompt, cell.settings.max_tokens) for item in items for prompt in prompts_of(suite, item)]
    written = [prompt for prompt in prompts if not prompt.scored]
    scored = list(dict.fromkeys(nameless(prompt) for prompt in prompts if prompt.scored))
    runs, sides = cell.settings.runs, 2 if isinstance(suite, AgainstSource) else 1
    read = _tokens(written) * runs + _tokens(scored) * sides
    longest = max((_tokens([prompt]) + prompt.max_tokens for prompt in written), default=0.0)
    return Asked(read, runs * sum(prompt.max_tokens for prompt in written), longest, runs * len(written))


class Learnt(NamedTuple):
    """Tokens of one training: read and made by the policy, then passed forward and backward, or forward alone."""

    read: float
    made: float
    at_once: int
    learnt: float
    compared: float


def learnt(work: TrainingWork, suite: Trainable) -> Learnt:
    """With prompts of the mean length of the suite's training items; replies to their limits."""
    prompts = [leading_prompt(suite, item) for item in suite.training_items()]
    prompt = _tokens(prompts) / len(prompts)
    reply = work.max_tokens or sum(one.max_tokens for one in prompts) / len(prompts)
    row = prompt + reply
    return Learnt(
        work.replies * prompt, work.replies * reply, max(1, work.at_once), work.learnt * row, work.compared * row
    )


def _tokens(prompts: Sequence[Prompt]) -> float:
    """Of prompts and what is scored after them; a prompt is read once for all its continuations."""
    characters = sum(len(one.text) + sum(map(len, one.continuations)) for one in prompts)
    return characters / CHARACTERS + TEMPLATE * sum(map(is_turn, prompts))


def compressing(shape: ModelShape, calibrated: bool) -> float:
    """One pass of the calibration text through the Linears, and one product (m, n) × (n, n) each. What a compressor takes is
    some multiple of it, which is measured."""
    wanted = CalibrationSource()
    if not calibrated:
        return 2.0 * shape.weights
    passes = 2.0 * wanted.sequences * wanted.length * shape.weights
    return passes + sum(2.0 * linear.rows * linear.columns**2 for linear in shape.linears)
