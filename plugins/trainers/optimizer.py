"""One optimiser step of an adapter: Adam, the projection, and where its two parts go.

In *update space* (the default) one Adam sees the whole gradient and its update is split. Then `route` with the
quarantine kept is exactly vanilla training, as intended. In *gradient space* (how the experiment was first done) the
gradient is split and each part has its own Adam. There the second moment rescales the small removed part to a step of
full size, so the two parts no longer add up to vanilla's step: another optimiser, kept as a named variant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from harness_plugins.trainers.adapters.adapter import Adapter, Vectors
from harness_plugins.trainers.projection import Gate, Split, split
from harness_plugins.trainers.trust import Trusted, as_short, kept_part

Space = Literal["update", "gradient"]
Arm = Literal["measure", "erase", "route", "trust", "scorda"]


@dataclass
class Adam:
    """Adam (arXiv 1412.6980, algorithm 1) that returns its descent directions m̂ / (√v̂ + ε) instead of applying them."""

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    steps: int = 0
    first: Vectors = field(default_factory=dict)
    second: Vectors = field(default_factory=dict)

    def directions(self, gradients: Vectors) -> Vectors:
        """name -> gradient (r,) to name -> direction (r,); one step of every moment."""
        self.steps += 1
        beta1, beta2 = self.betas
        directions = {}
        for name, g in gradients.items():
            m = self.first[name] = beta1 * self.first.get(name, torch.zeros_like(g)) + (1 - beta1) * g
            v = self.second[name] = beta2 * self.second.get(name, torch.zeros_like(g)) + (1 - beta2) * g.square()
            unbiased = v / (1 - beta2**self.steps)
            directions[name] = m / (1 - beta1**self.steps) / (unbiased.sqrt() + self.eps)
        return directions

    def state(self) -> dict[str, torch.Tensor]:
        moments = {"first": self.first, "second": self.second}
        tensors = {f"{moment}/{name}": t.cpu() for moment, held in moments.items() for name, t in held.items()}
        return {"steps": torch.tensor(self.steps), **tensors}

    def restore(self, state: dict[str, torch.Tensor], device: torch.device) -> None:
        self.steps = int(state["steps"])
        for key, tensor in state.items():
            moment, _, name = key.partition("/")
            if name:
                getattr(self, moment)[name] = tensor.to(device)


class ProjectedOptimizer:
    """Descends an adapter's coordinates. `measure` changes nothing, `erase` drops the removed part, `route` moves the
    quarantine by it, `trust` keeps what lies along trusted directions and drops the rest. `scorda` projects nothing: each
    set of coordinates comes with a gradient of its own. Weights decay towards the untrained model, outside of Adam."""

    def __init__(
        self,
        adapter: Adapter,
        arm: Arm = "measure",
        gate: Gate = "one_sided",
        space: Space = "update",
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        clip: float | None = None,
        preserve_magnitude: bool = False,
        decay: float = 0.0,
    ) -> None:
        self.adapter, self.arm, self.gate, self.space = adapter, arm, gate, space
        self.clip, self.preserve_magnitude, self.decay = clip, preserve_magnitude, decay
        self.main, self.quarantine = Adam(betas), Adam(betas)
        self.trusted: Trusted | None = None  # of arm trust, which does not step without it

    def step(self, gradients: Vectors, subspaces: Vectors, rate: float) -> Split:
        """One step on the accumulated gradient of all micro-batches. The cosines of the result are those of what was
        split: Adam's direction in update space, the gradient in gradient space."""
        projecting = self.arm != "measure"
        if self.space == "gradient" and projecting:
            parts = self._split(gradients, subspaces)
            length = norm(parts.kept, parts.removed if self.arm == "route" else {})
            main = self.main.directions(self._clipped(parts.kept, length))
            aside = self.quarantine.directions(self._clipped(parts.removed, length))
        else:
            whole = self.main.directions(self._clipped(gradients, norm(gradients)))
            parts = self._split(whole if self.space == "update" else gradients, subspaces)
            main, aside = (parts.kept if projecting else whole), parts.removed
            if self.arm == "trust":
                assert self.trusted is not None
                main = kept_part(whole, self.trusted)
                main = as_short(whole, main) if self.trusted.length_alone else main
        if self.arm == "scorda":
            main, aside = self.adapter.halves(whole)
        elif self.arm != "route":
            aside = {name: torch.zeros_like(direction) for name, direction in aside.items()}
        self.adapter.descend(rate, main, aside, self.decay)
        return parts

    def _split(self, directions: Vectors, subspaces: Vectors) -> Split:
        return split(directions, subspaces, self.gate, preserve_magnitude=self.preserve_magnitude)

    def _clipped(self, gradients: Vectors, length: float) -> Vectors:
        if self.clip is None or length <= self.clip:
            return gradients
        return {name: g * (self.clip / length) for name, g in gradients.items()}

    def state(self) -> dict[str, torch.Tensor]:
        both = {"main": self.main, "quarantine": self.quarantine}
        return {f"{part}/{key}": tensor for part, adam in both.items() for key, tensor in adam.state().items()}

    def restore(self, state: dict[str, torch.Tensor], device: torch.device) -> None:
        for part, adam in {"main": self.main, "quarantine": self.quarantine}.items():
            own = {key.removeprefix(f"{part}/"): t for key, t in state.items() if key.startswith(f"{part}/")}
            adam.restore(own, device)


def norm(*groups: Vectors) -> float:
    """Euclidean length of all vectors laid end to end."""
    squares = [vector.square().sum() for group in groups for vector in group.values()]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0
