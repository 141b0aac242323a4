"""Trainers that break one promise each."""

from __future__ import annotations

import random
import shutil

from safetensors.torch import load_file, save_file

from harness import Trainer


class Good(Trainer):
    def train(self, suite, context):
        self.log(context)
        shutil.copytree(context.source, context.out)
        self.write(context)
        return context.out

    def log(self, context):
        for step in (1, 2):
            context.log({"step": step, "steps": 2, "loss": 0.5})

    def write(self, context):
        file = context.out / "model.safetensors"
        tensors = load_file(file)
        self.change(tensors)
        save_file(tensors, file, metadata={"format": "pt"})

    def change(self, tensors):
        tensors["model.norm.weight"] += 0.5


class WritesElsewhere(Good):
    def train(self, suite, context):
        return super().train(suite, context).parent


class WritesNothing(Good):
    def train(self, suite, context):
        context.out.mkdir()
        return context.out


class TrainsTheSource(Good):
    def train(self, suite, context):
        with (context.source / "config.json").open("a") as config:
            config.write("\n")
        return super().train(suite, context)


class SaysNothing(Good):
    def log(self, context):
        pass


class CountsNothing(Good):
    def log(self, context):
        context.log({"loss": 0.5})


class CountsBackwards(Good):
    def log(self, context):
        for step in (2, 1):
            context.log({"step": step})


class LogsObjects(Good):
    def log(self, context):
        context.log({"step": 1, "suite": object()})


class ChangesNothing(Good):
    def change(self, tensors):
        pass


class ChangesByChance(Good):
    def change(self, tensors):
        tensors["model.norm.weight"] += random.random()


class LeavesATensorBehind(Good):
    def change(self, tensors):
        tensors["adapter"] = tensors["model.norm.weight"].clone()
