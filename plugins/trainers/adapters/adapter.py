"""All adapted Linears of a model as one thing: coordinates by module name, merging, saving.

Across modules, coordinates are flat vectors (r,): `name -> vector` is a `Vectors`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from harness.errors import ModelError, UsageError
from harness_plugins.trainers.adapters.linear import AdaptedLinear, Mode
from harness_plugins.trainers.adapters.lora import LoraLinear
from harness_plugins.trainers.adapters.slots import SlotLinear
from harness_plugins.trainers.adapters.svd import SvdLinear

Kind = Literal["svd", "lora", "slots"]
Vectors = dict[str, torch.Tensor]

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_ASIDE = "/quarantine"  # after a module's name: the vector of its quarantine, where that learns from gradients


class Adapter:
    """Wraps every attention and MLP projection of `model` in place; `merge` unwraps them again.

    Raises UsageError if the model has none of them as an nn.Linear.
    """

    def __init__(self, model: nn.Module, kind: Kind = "svd", rank: int = 32, seed: int = 0) -> None:
        self.model, self.kind = model, kind
        self.modules: dict[str, AdaptedLinear] = {}
        model.requires_grad_(False)
        generator = torch.Generator().manual_seed(seed)
        for name, base in list(model.named_modules()):
            if name.rpartition(".")[2] in TARGETS and isinstance(base, nn.Linear):
                self.modules[name] = adapted(base, kind, rank, generator)
                self._place(name, self.modules[name])
        if not self.modules:
            raise UsageError(f"the model has no Linear to adapt called {', '.join(TARGETS)}", "train another model")

    def _place(self, name: str, module: nn.Module) -> None:
        parent, _, leaf = name.rpartition(".")
        setattr(self.model.get_submodule(parent), leaf, module)

    # ---------------------------------------------------------------------------------------------------- coordinates

    def train_quarantine(self) -> None:
        """From now on the quarantine learns from gradients of its own, which stand beside those of `main`."""
        for module in self.modules.values():
            module.quarantine.requires_grad_(True)

    def _trained(self) -> dict[str, nn.Parameter]:
        main = {name: module.main for name, module in self.modules.items()}
        aside = {name + _ASIDE: module.quarantine for name, module in self.modules.items()}
        return main | {name: part for name, part in aside.items() if part.requires_grad}

    def gradients(self) -> Vectors:
        """Copies of the gradients (r,) accumulated on what is trained; zeros if there are none."""
        return {
            name: torch.zeros_like(part).flatten() if part.grad is None else part.grad.flatten().clone()
            for name, part in self._trained().items()
        }

    def zero_gradients(self) -> None:
        for part in self._trained().values():
            part.grad = None

    def halves(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """What `gradients` gave, or what was made of it, as (main, quarantine), each by the modules' own names."""
        return {name: vectors[name] for name in self.modules}, {name: vectors[name + _ASIDE] for name in self.modules}

    @torch.no_grad()
    def descend(self, rate: float, main: Vectors, quarantine: Vectors, decay: float = 0.0) -> None:
        """coordinates ← coordinates − rate · (direction + decay · coordinates), for both sets (arXiv 1711.05101)."""
        for name, module in self.modules.items():
            for part, directions in ((module.main, main), (module.quarantine, quarantine)):
                part.mul_(1 - rate * decay).sub_(rate * directions[name].view_as(part))

    # ------------------------------------------------------------------------------------------------- ways of running

    @contextlib.contextmanager
    def merged_weights(self, *, quarantine: bool = True) -> Iterator[None]:
        """Inside this context each Linear is one matrix, so that generation costs what the base model's does.

        W itself is not changed, so leaving undoes nothing that rounding could have altered.
        """
        try:
            for module in self.modules.values():
                module.merged_weight = module.merged(quarantine=quarantine).detach()
            yield
        finally:
            for module in self.modules.values():
                module.merged_weight = None

    @contextlib.contextmanager
    def reference(self) -> Iterator[None]:
        """Inside this context the model is the one that training started from: a free reference policy for a KL term."""
        with self._each("disabled", True):
            yield

    @contextlib.contextmanager
    def in_mode(self, mode: Mode) -> Iterator[None]:
        """Inside this context the forward pass is that of rows with this mode."""
        with self._each("mode", mode):
            yield

    @contextlib.contextmanager
    def _each(self, attribute: str, value: Any) -> Iterator[None]:
        """Inside this context the attribute of every module has this value."""
        before = {name: getattr(module, attribute) for name, module in self.modules.items()}
        try:
            for module in self.modules.values():
                setattr(module, attribute, value)
            yield
        finally:
            for name, module in self.modules.items():
                setattr(module, attribute, before[name])

    @contextlib.contextmanager
    def ablated(self) -> Iterator[None]:
        """Inside this context the quarantine is zero, so gradients are those of the deployed model."""
        held = {name: module.quarantine.detach().clone() for name, module in self.modules.items()}
        try:
            for module in self.modules.values():
                module.quarantine.data.zero_()
            yield
        finally:
            for name, module in self.modules.items():
                module.quarantine.data.copy_(held[name])

    # --------------------------------------------------------------------------------------------------------- keeping

    @torch.no_grad()
    def merge(self, *, quarantine: bool = False) -> Any:
        """The model with plain Linears again, W + Δ in each. The adapter cannot be used afterwards."""
        for name, module in self.modules.items():
            module.base.weight.copy_(module.merged(quarantine=quarantine))
            self._place(name, module.base)
        self.modules = {}
        return self.model

    def state(self) -> dict[str, torch.Tensor]:
        """Coordinates by "module.main" and "module.quarantine", and whatever is needed to rebuild the basis."""
        kept = ("main", "quarantine", "a", "a0", "b0")  # not U and Vᵀ, which follow from the weight
        return {
            f"{name}.{key}": tensor.detach().cpu().contiguous()
            for name, module in self.modules.items()
            for key, tensor in module.state_dict().items()
            if key in kept
        }

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Raises ModelError if the tensors are another model's or another kind of adapter's."""
        own = self.state()
        if own.keys() != state.keys() or any(own[key].shape != state[key].shape for key in own):
            raise ModelError(f"these adapter weights are not of this model's {self.kind} adapter")
        for key, tensor in state.items():
            name, _, part = key.rpartition(".")
            getattr(self.modules[name], part).data.copy_(tensor)

    def save(self, path: Path) -> None:
        """The file appears whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(self.state(), path.with_suffix(".partial"), metadata={"kind": self.kind})
        path.with_suffix(".partial").replace(path)

    def load(self, path: Path) -> None:
        self.restore(load_file(path))


def adapted(base: nn.Linear, kind: Kind, rank: int, generator: torch.Generator) -> AdaptedLinear:
    """A Linear's adapter of this kind; the singular basis has no rank to choose, and LoRA alone draws at random."""
    if kind == "svd":
        return SvdLinear(base)
    return LoraLinear(base, rank, generator) if kind == "lora" else SlotLinear(base, rank)
