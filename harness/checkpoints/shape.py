"""Which tensors of a checkpoint are Linears of decoder blocks, and which of them share an input."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.checkpoints.checkpoint import ARTEFACT_TYPE, BLOCK, ITEM_BYTES, Checkpoint, open_checkpoint
from harness.contract import Decision, LinearShape, ModelShape
from harness.errors import ModelError

HEADER_ENTRY = 96  # bytes, at most, of {dtype, shape, data_offsets} beside a tensor's name

HEADER_FILE = 64  # … of a file's length, metadata and padding

PACKED_PARTS = 6  # codes and scales of Q, L and R

WEIGHT_DTYPES = frozenset({"F16", "BF16", "F32", "F64"})

SAME_INPUT = ({"q_proj", "k_proj", "v_proj"}, {"gate_proj", "up_proj"})

NORM = re.compile(r"norm\d*$|(^|_)ln(_\w+)?$")  # one that is kept per head has a 2-D weight, and is no Linear

READ_BY_OWNER = frozenset({"dt_proj"})  # a state-space mixer multiplies by its weight without calling it

WIDTHS = ("hidden_size", "n_embd", "d_model")  # what configs call the width of the residual stream

EXPERTS = re.compile(r"\.experts?\.|\.(block_sparse_moe|moe)\.")

EXPERT_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def read_shape(folder: Path) -> ModelShape:
    """The Linears of the decoder blocks of `folder`, by block and name, with rows = outputs and columns = inputs."""
    return shape_of(open_checkpoint(folder))


def shape_of(checkpoint: Checkpoint) -> ModelShape:
    _refuse_unsupported(checkpoint)
    stack = f"{checkpoint.stack}."
    linears = [
        linear for name in checkpoint.tensors if name.startswith(stack) and (linear := _linear(checkpoint, name))
    ]
    if not linears:
        raise ModelError(f"{checkpoint.folder} has no Linear in a decoder block", "is it a causal language model?")
    linears.sort(key=lambda linear: (linear.block, linear.name))
    blocks = linears[-1].block + 1
    config = checkpoint.config
    stated = config.get("num_hidden_layers", config.get("n_layer", blocks))
    if {linear.block for linear in linears} != set(range(stated)):
        raise ModelError(
            f"{checkpoint.folder}: config.json states {stated} blocks, the weights hold {blocks}",
            "a shard may be missing",
        )
    hidden = next((config[key] for key in WIDTHS if key in config), None)
    if not isinstance(hidden, int):
        raise ModelError(f"{checkpoint.folder / 'config.json'} states no hidden_size", "is it a causal language model?")
    return ModelShape(
        blocks=blocks, hidden=hidden, linears=tuple(linears), overhead=_overhead(checkpoint, blocks, linears)
    )


def _overhead(checkpoint: Checkpoint, blocks: int, linears: list[LinearShape]) -> int:
    """Bytes of all other tensors, and of the headers of an artefact's files with every Linear packed."""
    packed = {f"{linear.name}.weight" for linear in linears}
    others = [tensor for name, tensor in checkpoint.tensors.items() if name not in packed]
    entries = [
        *(len(tensor.name) for tensor in others),
        *(len(name) + 2 for name in packed for _ in range(PACKED_PARTS)),
    ]
    headers = sum(length + HEADER_ENTRY for length in entries) + HEADER_FILE * (blocks + 1 + len(checkpoint.files))
    return sum(tensor.bytes for tensor in others) + headers


def _linear(checkpoint: Checkpoint, tensor: str) -> LinearShape | None:
    """The LinearShape behind `tensor`, or None if it is not the weight of a decoder block's Linear."""
    match, stored = BLOCK.match(tensor), checkpoint.tensors[tensor]
    name = tensor.removesuffix(".weight")
    kind = name.rpartition(".")[2]
    if not match or name == tensor or len(stored.shape) != 2 or NORM.search(kind):
        return None
    if stored.dtype not in WEIGHT_DTYPES:
        raise ModelError(f"{tensor} is stored as {stored.dtype}", "give the original floating-point model")
    rows, columns = reversed(stored.shape) if checkpoint.transposed else stored.shape
    width = 8 * ITEM_BYTES[stored.dtype]
    return LinearShape(
        name=name,
        kind=kind,
        block=int(match["block"]),
        rows=rows,
        columns=columns,
        input_group=input_group_of(name),
        width=width,
    )


def input_group_of(name: str) -> str:
    """The name of the input group of the Linear `name`: "…self_attn.k_proj+q_proj+v_proj"."""
    parent, _, kind = name.rpartition(".")
    siblings = next((kinds for kinds in SAME_INPUT if kind in kinds), None)
    return f"{parent}.{'+'.join(sorted(siblings))}" if siblings else name


def lenders(decisions: Mapping[str, Decision]) -> dict[str, str]:
    """Linear -> the one of its input group whose R it uses, of all that borrow.

    Raises:
        ModelError: there is none.
    """
    owners = {input_group_of(name): name for name, one in decisions.items() if one.rank and not one.borrows}
    borrowers = [name for name, decision in decisions.items() if decision.borrows]
    if lost := [name for name in borrowers if input_group_of(name) not in owners]:
        raise ModelError(f"no Linear lends {lost[0]} its R", "write or fetch the artefact again")
    return {name: owners[input_group_of(name)] for name in borrowers}


def uncalibratable(model: str, linear: str) -> ModelError:
    return ModelError(
        f"{linear} of {model} cannot be calibrated: its forward pass is never called",
        "use a compressor without calibration, such as rtn4",
    )


def _refuse_unsupported(checkpoint: Checkpoint) -> None:
    folder, config = checkpoint.folder, checkpoint.config
    if checkpoint.model_type == ARTEFACT_TYPE or config.get("quantization_config"):
        raise ModelError(f"{folder} is already quantized", "compress the original model instead")
    experts = any((config.get(key) or 0) > 1 for key in EXPERT_COUNTS) or any(map(EXPERTS.search, checkpoint.tensors))
    if experts:
        raise ModelError(
            f"{folder} ({checkpoint.model_type}) is a mixture-of-experts model", "only dense models can be compressed"
        )


def input_groups(linears: Iterable[LinearShape]) -> Iterator[tuple[str, list[LinearShape]]]:
    """Linears by shared input, in order of first appearance."""
    groups: dict[str, list[LinearShape]] = {}
    for linear in linears:
        groups.setdefault(linear.input_group, []).append(linear)
    yield from groups.items()
