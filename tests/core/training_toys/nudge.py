"""A plugin in one file: sums that can be trained on, and a trainer that writes down each of its trainings."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from safetensors.torch import load_file, save_file

import harness
from harness import (
    Axes,
    Item,
    Outcome,
    Params,
    Prompt,
    Quadrant,
    Rate,
    SelfCheck,
    TaskSuiteSpec,
    Trainable,
    Trainer,
    TrainerSpec,
)

SECONDS = 5.0  # long enough for every arm to be there before it ends
AXES = Axes(
    proxy="answers",
    truth="odd length",
    quadrants={quadrant: str(quadrant) for quadrant in Quadrant},
    rates=(Rate(name="proxy", title="answers", numerator=frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})),),
)


class Sums(Trainable):
    params: Params

    def items(self):
        return [sums(n) for n in range(4)]

    def training_items(self):
        return [sums(9)]

    def prompts(self, item):
        return [Prompt(role="answer", text=f"what is {item.data['n']} + 1?", max_tokens=4)]

    def grade(self, item, replies):
        return Outcome(proxy=bool(replies["answer"].text), truth=bool(len(replies["answer"].text) % 2))

    def self_check(self):
        return SelfCheck(checks=())


def sums(n: int) -> Item:
    return Item(id=f"sum{n}", family="sums", cluster=f"sum{n}", data={"n": n})


class NudgeParams(Params):
    noted: str  # a file, which gets a line for each training


class Nudge(Trainer):
    params: NudgeParams

    def train(self, suite, context):
        with Path(self.params.noted).open("a") as noted:
            noted.write(f"{context.out}\n")
        time.sleep(SECONDS)
        context.log({"step": 1, "steps": 1, "loss": 0.5})
        shutil.copytree(context.source, context.out, dirs_exist_ok=True)
        tensors = load_file(context.out / "model.safetensors")
        tensors["model.norm.weight"] += 0.5
        save_file(tensors, context.out / "model.safetensors", metadata={"format": "pt"})
        return context.out


@harness.hookimpl
def harness_register_task_suites() -> list[TaskSuiteSpec]:
    return [TaskSuiteSpec(name="sums", summary="sums", target="nudge:Sums", params=Params, axes=AXES)]


@harness.hookimpl
def harness_register_trainers() -> list[TrainerSpec]:
    return [TrainerSpec(name="nudge", summary="nudges", target="nudge:Nudge", params=NudgeParams)]
