"""Run a model's decoder blocks one at a time, with the weights of one block in memory.

The model is built empty (meta device). A forward pass in which every block merely passes its input on records what the
model gives each block (masks, position embeddings). Any architecture that calls its blocks one after another can be
walked this way. Sequences are padded on the right: under causal attention padding changes no earlier position, so no
mask is needed, and padded positions are left out of the Hessians.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from harness.checkpoints.blocked import BlockedLinear, blocked, in_blocks
from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.hub import one_line
from harness.checkpoints.packed_linear import linear_shape
from harness.checkpoints.quantizer import find_linear, module_path
from harness.checkpoints.shards import local
from harness.compression.architecture import empty_model
from harness.compression.moments import Hessian
from harness.contract.compression import Calibration
from harness.errors import HarnessError, ModelError
from harness.models.padding import CPU_TOKENS

BATCH_TOKENS = 2048  # of one forward pass, but on a CPU
CHECKED = 1 << 22  # numbers checked at a time for NaN and infinity


@dataclass
class Batch:
    """Some sequences on their way through the model."""

    tokens: torch.Tensor  # (B, T)
    weights: torch.Tensor  # (B, T) weight of each position, 0 where padded
    hidden: torch.Tensor  # (B, T, d) input of the block that runs next

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tokens.shape)


# (input group, number of the batch) -> (B, T) what each position counts in the group's Hessian
Guide = Callable[[str, int], torch.Tensor]


class _Recorded(Exception):
    """Ends a forward pass once the wanted input has been recorded."""


class BlockWalker:
    """Streams a checkpoint's blocks through float32 modules on `device`."""

    def __init__(self, checkpoint: Checkpoint, device: str) -> None:
        self.checkpoint, self.device = checkpoint, device
        self.model = empty_model(checkpoint).requires_grad_(False)
        self.blocks: Any = self.model.get_submodule(module_path(self.model, checkpoint.stack))
        self.replaced: list[tuple[Any, str, nn.Module]] = []  # owner, name, and the Linear that another stands in for
        self.calls: dict[tuple[int, tuple[int, ...]], tuple[tuple[Any, ...], dict[str, Any]]] = {}
        for module in self.model.modules():
            for name, buffer in module.named_buffers(recurse=False):
                module._buffers[name] = buffer.to(device)

    @torch.no_grad()
    def embed(self, calibration: Calibration) -> list[Batch]:
        """The batches as they enter block 0; also records what each block is called with."""
        outside = self._load_outside()
        try:
            with ExitStack() as stack:
                for index, block in enumerate(self.blocks):
                    stack.enter_context(self._recording(index, block))
                return [self._enter(tokens, weights) for tokens, weights in pad(calibration, self.device)]
        finally:
            for module in outside:
                module.to_empty(device="meta", recurse=False)

    @contextmanager
    def loaded(self, index: int) -> Iterator[nn.Module]:
        """Block `index` with its weights in float32, which are freed afterwards."""
        block = self.blocks[index]
        prefix = f"{self.checkpoint.stack}.{index}."
        weights = {
            name.removeprefix(prefix): tensor.to(self.device, torch.float32)
            for name, tensor in read_tensors(self.checkpoint, self.checkpoint.of_block(index))
        }
        try:
            missing, _ = block.load_state_dict(weights, strict=False, assign=True)
        except RuntimeError as error:
            raise ModelError(
                f"{self.checkpoint.folder}: {str(error).splitlines()[-1].strip()}", "wrong config.json?"
            ) from error
        if missing:
            raise ModelError(f"{self.checkpoint.folder} lacks {prefix}{missing[0]}", "fetch the model again")
        del weights  # the modules' own from here on, which may let go of them
        try:
            yield block
        finally:
            while self.replaced:
                setattr(*self.replaced.pop())
            for module in block.modules():
                for name, parameter in module.named_parameters(recurse=False):
                    setattr(module, name, nn.Parameter(parameter.to("meta"), requires_grad=False))

    def hessians(
        self, index: int, batches: Sequence[Batch], inputs: Mapping[str, str], guide: Guide | None = None
    ) -> dict[str, Hessian]:
        """Group -> Hessian of what enters its Linears (`inputs`: group -> the name of any one of them)."""
        sums: dict[str, Hessian] = {}
        number = 0

        def collecting(group: str) -> Any:
            def hook(_: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
                weights = guide(group, number) if guide else batches[number].weights
                sums[group].add(args[0].reshape(*batches[number].shape, -1), weights.to(self.device))

            return hook

        with ExitStack() as stack:
            for group, name in inputs.items():
                layer = self.linear(name)
                sums[group] = Hessian(linear_shape(layer)[1], self.device)
                stack.callback(layer.register_forward_pre_hook(collecting(group)).remove)
            for number, batch in enumerate(batches):  # noqa: B007  (the hooks read it)
                self.forward(index, batch)
        return sums

    def forward_order(self, index: int, inputs: Mapping[str, str], batch: Batch) -> list[str]:
        """The groups as the loaded block's forward pass reaches them (`inputs` as for `hessians`).

        Raises:
            ModelError: it never reaches one of them.
        """
        reached: list[str] = []
        with ExitStack() as stack:
            for group, name in inputs.items():
                hook = self.linear(name).register_forward_pre_hook(lambda *_, group=group: reached.append(group))
                stack.callback(hook.remove)
            if inputs:
                self.forward(index, batch)
        missed = sorted(inputs.keys() - set(reached))
        if missed:
            raise ModelError(f"the forward pass of block {index} never calls {inputs[missed[0]]}")
        return list(dict.fromkeys(reached))

    def advance(self, index: int, batches: Sequence[Batch]) -> None:
        """Replace each batch's hidden states by the output of the loaded block `index`."""
        for batch in batches:
            batch.hidden = self.forward(index, batch).cpu()

    def forward(self, index: int, batch: Batch) -> torch.Tensor:
        """(B, T, d) output of the loaded block `index`. Its weights take no gradient."""
        args, kwargs = self.calls[index, batch.shape]
        self._current = batch
        with self._running():
            output = self.blocks[index](batch.hidden.to(self.device), *args, **kwargs)
        return output[0] if isinstance(output, (tuple, list)) else output

    def linear(self, name: str) -> Any:
        """The module of a Linear, by its name in the checkpoint."""
        return find_linear(self.model, name)[2]

    def taken(self, name: str) -> torch.Tensor:
        """The weight of a loaded Linear, for `install`, which the Linear itself lets go of."""
        owner, leaf, plain = find_linear(self.model, name)
        module = in_blocks(plain)
        if isinstance(module, BlockedLinear):
            setattr(owner, leaf, module)
            plain.weight = nn.Parameter(plain.weight.to("meta"), requires_grad=False)
            self.replaced.append((owner, leaf, plain))
            return module.blocked
        return plain.weight.detach()

    def prepared(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        """`weight` (rows, columns) of a Linear that was `taken`, for `install`."""
        oriented = (weight.T.contiguous() if self.checkpoint.transposed else weight).to(self.device)
        return blocked(oriented) if isinstance(self.linear(name), BlockedLinear) else oriented

    def install(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Let loaded Linears use these weights (name -> as `taken` or `prepared` gives them); nothing is copied."""
        for name, weight in weights.items():
            module = self.linear(name)
            if isinstance(module, BlockedLinear):
                module.blocked = weight
            else:
                module.weight = nn.Parameter(weight, requires_grad=False)

    def _enter(self, tokens: torch.Tensor, weights: torch.Tensor) -> Batch:
        batch = Batch(tokens, weights, torch.empty(0))
        self._current = batch
        try:
            with self._running():
                self.model(input_ids=tokens.to(self.device), use_cache=False)
        except _Recorded:
            return batch
        raise ModelError(f"{self.checkpoint.folder}: the model's forward pass does not run its blocks in order")

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Turn what a forward pass raises into one line: the architecture does not run block by block."""
        try:
            yield
        except (_Recorded, HarnessError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            checkpoint = self.checkpoint
            raise ModelError(
                f"the blocks of {checkpoint.folder} ({checkpoint.model_type}) do not run one by one: {one_line(error)}",
                "use a compressor without calibration, such as rtn4",
            ) from error

    @contextmanager
    def _recording(self, index: int, block: nn.Module) -> Iterator[None]:
        def record(hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            batch = self._current
            if index == 0:
                batch.hidden = hidden_states.float().cpu()
            self.calls.setdefault((index, batch.shape), (args, kwargs))
            if index == len(self.blocks) - 1:
                raise _Recorded
            return hidden_states

        block.forward = record
        try:
            yield
        finally:
            del block.forward

    def _load_outside(self) -> list[nn.Module]:
        """Load what lies outside the blocks, except the output head; returns the modules that now hold weights."""
        head = self.model.get_output_embeddings()
        tied = head is not None and head is self.model.get_input_embeddings()
        filled: list[nn.Module] = []
        for name, tensor in read_tensors(self.checkpoint, self.checkpoint.outside_blocks()):
            try:
                module = find_linear(self.model, name.rpartition(".")[0])[2]
            except ModelError:
                continue  # a tensor the architecture does not use, such as a stored mask
            leaf = name.rpartition(".")[2]
            if leaf in dict(module.named_buffers(recurse=False)):
                module._buffers[leaf] = tensor.to(self.device)
            if (module is head and not tied) or leaf not in dict(module.named_parameters(recurse=False)):
                continue
            setattr(module, leaf, nn.Parameter(tensor.to(self.device, torch.float32), requires_grad=False))
            filled.append(module)
        return filled


def read_tensors(checkpoint: Checkpoint, names: Sequence[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor as stored, file by file.

    Raises:
        ModelError: one holds NaN or infinity, and so would every result of the artefact.
    """
    for file in sorted({checkpoint.tensors[name].file for name in names}):
        with safe_open(local(file), framework="pt") as stream:
            for name in names:
                if checkpoint.tensors[name].file == file:
                    tensor = stream.get_tensor(name)
                    if not _finite(tensor):
                        raise ModelError(
                            f"{name} of {checkpoint.folder} holds NaN or infinity", "fetch the model again"
                        )
                    yield name, tensor


def _finite(tensor: torch.Tensor) -> bool:
    """Whether every number is finite, checked part by part, so that an embedding does not need its memory twice."""
    if not tensor.is_floating_point():
        return True
    parts = tensor.reshape(-1).split(CHECKED)
    return all(bool((part.float() if part.element_size() == 1 else part).isfinite().all()) for part in parts)


def pad(calibration: Calibration, device: str = "cpu") -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(tokens (B, T), weights (B, T)) of sequences of similar length, longest first, a limited number of tokens per batch."""
    limit = CPU_TOKENS if device == "cpu" else BATCH_TOKENS
    order = sorted(range(len(calibration.sequences)), key=lambda index: -len(calibration.sequences[index]))
    while order:
        longest = len(calibration.sequences[order[0]])
        rows, order = order[: max(1, limit // longest)], order[max(1, limit // longest) :]
        tokens = torch.zeros(len(rows), longest, dtype=torch.long)
        weights = torch.zeros(len(rows), longest)
        for row, index in enumerate(rows):
            sequence = calibration.sequences[index]
            tokens[row, : len(sequence)] = torch.tensor(sequence)
            weights[row, : len(sequence)] = calibration.weights[index]
        yield tokens, weights
