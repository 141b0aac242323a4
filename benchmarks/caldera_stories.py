"""Loss of a small pretrained Llama under `budget`, beside round to nearest at the same bits per weight.

    OMP_NUM_THREADS=1 python benchmarks/caldera_stories.py > docs/results/caldera-stories.md

The model is calibrated on 128 sequences sampled from itself and asked for the loss of a text it was not calibrated on, in
256-token chunks. Each budget row is run twice: Linears fitted to their own weight on the inputs that the compressed prefix
gives them, and Linears fitted to the original model's outputs. With x the original and x' the compressed prefix's input,
the latter replaces W by the least-squares W E[x x'ᵀ] E[x' x'ᵀ]⁻¹ before compression.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.checkpoint import groups_of, open_checkpoint, shape_of
from harness.compression.blocks import Batch, BlockWalker
from harness.compression.calibration import Calibration, CalibrationSource, read_calibration
from harness.contract import Compressor, Decisions, LinearShape
from harness_plugins.compressors.caldera.budget import Budget, BudgetParams
from harness_plugins.compressors.rtn.plugin import Rtn, RtnParams

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LIMITS = {3: 0.35, 2: 0.30}  # of the loss increase of round to nearest
RIDGE = 0.01  # of the mean diagonal: pulls the refitted weight towards the original one


def loss(model: torch.nn.Module, chunks: torch.Tensor) -> float:
    """Mean nats per predicted token of chunks (N, 256)."""
    with torch.no_grad():
        losses = [model(input_ids=some, labels=some).loss * len(some) for some in chunks.split(16)]
    return float(sum(losses)) / len(chunks)


def compressed(
    folder: Path, compressor: Compressor, decisions: Decisions, calibration: Calibration, refit: bool
) -> torch.nn.Module:
    """The model with every Linear replaced by its Ŵ, group after group, each seeing what lies before it compressed."""
    checkpoint = open_checkpoint(folder)
    shape = shape_of(checkpoint)
    original, prefix = BlockWalker(checkpoint, "cpu"), BlockWalker(checkpoint, "cpu")
    streams = list(zip(original.embed(calibration), prefix.embed(calibration), strict=True))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for block in range(shape.blocks):
        linears = [linear for linear in shape.linears if linear.block == block]
        with original.loaded(block) as before, prefix.loaded(block) as after:
            for members in in_order(after, prefix, block, [group for _, group in groups_of(linears)], streams[0][1]):
                name = members[0].name
                hessian = torch.zeros(members[0].columns, members[0].columns)
                cross, tokens = torch.zeros_like(hessian), 0
                for one, other in streams:
                    with inputs_of(original, name) as x, inputs_of(prefix, name) as seen:
                        run(before, original, block, one)
                        run(after, prefix, block, other)
                    real = one.weights.flatten() > 0
                    plain, shifted = x[0][real], seen[0][real]  # (N, n)
                    hessian += shifted.T @ shifted
                    cross += plain.T @ shifted
                    tokens += len(plain)
                weights = {linear.name: prefix.linear(linear.name).weight.detach() for linear in members}
                if refit:
                    ridge = RIDGE * hessian.diagonal().mean() * torch.eye(len(hessian))
                    map_back = torch.linalg.solve(hessian + ridge, (cross + ridge).T).T  # E[x x'ᵀ] E[x' x'ᵀ]⁻¹
                    weights = {key: weight @ map_back for key, weight in weights.items()}
                metric = hessian / tokens if compressor.calibrated else None
                for key, result in compressor.compress_group(weights, metric, decisions).items():
                    prefix.set_weight(key, result.dequantize())
                    model.get_submodule(key).weight.data = result.dequantize()
            for one, other in streams:
                one.hidden, other.hidden = run(before, original, block, one), run(after, prefix, block, other)
    return model


@torch.no_grad()
def run(module: torch.nn.Module, walker: BlockWalker, block: int, batch: Batch) -> torch.Tensor:
    args, kwargs = walker.calls[block, batch.shape]
    output = module(batch.hidden, *args, **kwargs)
    return output[0] if isinstance(output, tuple) else output


def in_order(
    module: torch.nn.Module, walker: BlockWalker, block: int, groups: Sequence[list[LinearShape]], batch: Batch
) -> list[list[LinearShape]]:
    """The groups as the forward pass reaches them, whatever their order in the file."""
    reached: list[int] = []
    with ExitStack() as stack:
        for index, members in enumerate(groups):
            hook = walker.linear(members[0].name).register_forward_pre_hook(lambda *_, i=index: reached.append(i))
            stack.callback(hook.remove)
        run(module, walker, block, batch)
    return [groups[index] for index in reached]


@contextmanager
def inputs_of(walker: BlockWalker, name: str) -> Iterator[list[torch.Tensor]]:
    """Collects the (B · T, n) input of one Linear."""
    seen: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, args: tuple[Any, ...]) -> None:
        seen.append(args[0].reshape(-1, args[0].shape[-1]))

    hook = walker.linear(name).register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args(arguments)
    folder, text = options.data / "stories260k", options.data / "text" / "tinystories_valid_head30k.txt"
    tokens = AutoTokenizer.from_pretrained(folder)(text.read_text(), return_tensors="pt").input_ids[0]
    chunks = tokens[: len(tokens) // 256 * 256].view(-1, 256)
    calibration = read_calibration(CalibrationSource(sequences=128, length=256), folder)
    shape = shape_of(open_checkpoint(folder))
    base = loss(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), chunks)
    measurements = Budget(BudgetParams(bpw=3)).measure(folder, calibration)
    print("# Budget against round to nearest, stories260k\n")
    print("    OMP_NUM_THREADS=1 python benchmarks/caldera_stories.py\n")
    print(f"Uncompressed loss {base:.4f} on {len(chunks)} chunks; {calibration.tokens} calibration tokens.\n")
    print("| compressor | bits/weight | loss increase | of round to nearest | limit |\n|---|---|---|---|---|")
    missed = False
    for bits, limit in LIMITS.items():
        rtn = Rtn(RtnParams(bits=bits, group=32))
        decisions = rtn.plan(shape)
        size = sum(decisions[linear.name].stored_bits(linear.rows, linear.columns) for linear in shape.linears)
        bpw = size / shape.weights
        nearest = loss(compressed(folder, rtn, decisions, calibration, refit=False), chunks) - base
        print(f"| round to nearest, {bits} bits, groups of 32 | {bpw:.3f} | {nearest:.4f} | 1 | |", flush=True)
        budget = Budget(BudgetParams(bpw=bpw))
        decisions = budget.plan(shape, measurements)
        size = sum(decisions[linear.name].stored_bits(linear.rows, linear.columns) for linear in shape.linears)
        for refit in (False, True):
            increase = loss(compressed(folder, budget, decisions, calibration, refit), chunks) - base
            label = "budget, fitted to the original outputs" if refit else "budget"
            ratio = increase / nearest
            missed = missed or (refit and ratio > limit)
            print(f"| {label} | {size / shape.weights:.3f} | {increase:.4f} | {ratio:.3f} | {limit} |", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
