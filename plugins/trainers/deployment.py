"""What part of a trained policy is deployed. None of this is training: arms that differ in it alone share one training."""

from __future__ import annotations

from typing import Literal

import torch

from harness_plugins.trainers.adapters.adapter import Adapter

Deploy = Literal["ablated", "kept", "random_ablation"]


@torch.no_grad()
def merge_coordinates(adapter: Adapter, deploy: Deploy, shrink: float, seed: int, forget: float = 1.0) -> None:
    """Make the two sets of coordinates those of the deployed policy.

    ablated          main + (1 − forget) · quarantine: what was put aside is dropped, all of it if `forget` is 1
    kept             main + quarantine: the policy as it was trained
    random_ablation  main + quarantine, less a random vector of each quarantine's length: is it *what* was dropped that
                     matters, or only that so much was?

    The result is then multiplied by `shrink`: 1 is the policy, 0 the untrained model. A plain shrinkage of the kept
    policy is the frontier that an ablation has to beat. Slots have a basis for each set: there a sum is of what the two
    change in the weights, and shrinking coordinates is not shrinking that.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in adapter.modules.values():
        length = module.quarantine.norm()
        module.settle(1 - forget if deploy == "ablated" else 1.0)
        if deploy == "random_ablation":
            direction = torch.randn(module.main.shape, generator=generator).to(module.main)
            module.main.sub_(direction * (length / direction.norm()))
        module.main.mul_(shrink)
        module.quarantine.mul_(shrink)  # zero by now, where it shares main's basis
