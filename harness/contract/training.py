"""Trainers: they change a policy's weights against a suite's proxy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from harness.contract.chat import Chat
from harness.contract.detection import Flag, View
from harness.contract.records import Params, Record
from harness.contract.trainable import Trainable


class TrainContext(BaseModel):
    """What a trainer is given besides the suite."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    source: Path  # model folder to start from
    out: Path  # folder to write: a loadable model; checkpoints below it survive a kill
    seed: int
    device: str
    dtype: str
    chat: Chat = Chat()  # how the policy is asked when it is sampled afterwards
    log: Callable[[dict[str, JsonValue]], None]  # one row of per-step metrics, flushed at once
    monitor: Callable[[Sequence[View]], Sequence[Flag]] | None = None  # the detector that the parameters ask for


class TrainingWork(Record):
    """What one training will ask and learn from, for `harness plan --machine`; the lengths are the suite's."""

    replies: int  # that the policy writes, over all steps
    at_once: int  # of them, side by side
    learnt: int  # replies, its own or given, that pass forward and backward
    compared: int = 0  # replies that pass forward once more, as under a reference
    max_tokens: int | None = None  # of a reply; None: what the suite allows


class Trainer:
    """Changes a policy's weights against a suite's proxy; writes a loadable model folder.

    A trainer whose parameters have a field `monitor` is given the detector of that name in its context. The detector
    that steered an arm is left out when the arm is judged.
    """

    def __init__(self, params: Params) -> None:
        self.params = params

    def train(self, suite: Trainable, context: TrainContext) -> Path:
        """Fill `context.out` and return it: with a loadable model or, where the spec names `deployment` parameters,
        with what `deploy` makes one of."""
        raise NotImplementedError

    def work(self) -> TrainingWork | None:
        """By the parameters alone; None where that cannot be said."""
        return None

    def deploy(self, trained: Path, context: TrainContext) -> Path:
        """Write a loadable model to `context.out` from the folder that `train` filled, and return it. Arms that differ in
        the spec's `deployment` parameters alone share one training and are deployed one by one."""
        raise NotImplementedError
