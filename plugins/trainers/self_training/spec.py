"""The trainer as data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.contract import Params, TrainerSpec

Filter = Literal["none", "valid", "executed", "reproducible", "random"]


class SelfTrainingParams(Params):
    """Cycles of propose, read back, keep what is accepted, train. After CINOAdam/inversion-self-improvement, whose first
    version kept all that its fidelity accepted (`none`) and whose second what came out alike twice (`reproducible`)."""

    filter: Filter = "none"  # of what the proxy accepts; random: as many as it accepts, whichever they are
    inverter: Literal["self", "frozen"] = "self"  # who reads replies back: the policy, or the untrained model
    cycles: int = Field(5, ge=1)
    proposals: int = Field(3, ge=1)  # of each item and cycle
    temperature: float = Field(1.0, gt=0)  # of proposals; published: 0.7
    inverter_temperature: float = Field(0.3, ge=0)  # of what quotes them
    agreement: float = Field(0.6, ge=0, le=1)  # likeness to another proposal that `reproducible` asks for

    adapter: Literal["lora", "svd"] = "lora"
    rank: int = Field(32, ge=1)  # of the lora adapter
    epochs: int = Field(1, ge=1)  # over what a cycle keeps
    batch: int = Field(4, ge=1)  # replies of one optimiser step
    lr: float = Field(1e-3, gt=0)  # for pocket-shell; published: 2e-4
    clip_norm: float = Field(1.0, gt=0)
    rollout_batch: int = Field(64, ge=1)  # prompts under way at once; changes no number in float32


SPEC = TrainerSpec(
    name="self-training",
    summary="fine-tuning on the policy's own replies that the proxy accepts, filtered, cycle by cycle",
    target="harness_plugins.trainers.self_training.trainer:SelfTraining",
    params=SelfTrainingParams,
    follows_up=True,
)
