"""Where the rank goes: uniform, ultra (by depth, at uniform's size), selective (the last blocks untouched).

The depth profile is the published experiments' rank table for a 28-block model in units of its uniform rank 64, as a
function of relative depth, so that it serves 6 blocks as well as 80. Nothing here imports torch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

from harness.contract import Decision, Decisions, LinearShape, ModelShape
from harness.errors import UsageError

DEPTH_PROFILE = ((0.82, 0.5), (0.86, 1.25), (0.93, 2.0), (1.0, 4.0))  # (upper end of relative depth, rank share)
HIDDEN_PER_RANK = 56  # the published rank 64, on a hidden size of 3584


def default_rank(hidden: int) -> int:
    return max(1, round(hidden / HIDDEN_PER_RANK))


def rank_shares(blocks: int) -> list[float]:
    """DEPTH_PROFILE averaged over each block's interval [i / blocks, (i + 1) / blocks] of relative depth."""
    shares = []
    for block in range(blocks):
        low, high = block / blocks, (block + 1) / blocks
        total, start = 0.0, 0.0
        for end, share in DEPTH_PROFILE:
            total += share * max(0.0, min(high, end) - max(low, start))
            start = end
        shares.append(total * blocks)
    return shares


def clamped(linear: LinearShape, rank: int) -> int:
    return min(rank, linear.rows, linear.columns)


def stored_bits(shape: ModelShape, decisions: Decisions) -> int:
    return sum(linear.stored_bits(decisions[linear.name]) for linear in shape.linears)


def uniform(shape: ModelShape, decide: Callable[[int], Decision], rank: int) -> Decisions:
    """The same bits and rank everywhere; `decide` turns a rank into a decision."""
    return {linear.name: decide(clamped(linear, rank)) for linear in shape.linears}


def sharing(shape: ModelShape, decisions: Decisions) -> Decisions:
    """The same, with one R for the Linears of one input where all are stored alike: the first lends it to the others. Rows
    of quantized factors that would end within a group of scales are a reason not to."""
    groups: dict[str, list[LinearShape]] = {}
    for linear in shape.linears:
        groups.setdefault(linear.input_group, []).append(linear)
    shared = dict(decisions)
    for members in groups.values():
        first = decisions[members[0].name]
        alike = first.rank and all(decisions[linear.name] == first for linear in members)
        whole = first.factor_bits >= 16 or not first.factor_group
        if alike and (whole or not any(linear.rows % first.factor_group for linear in members)):
            shared |= {linear.name: first.model_copy(update={"borrows": True}) for linear in members[1:]}
    return shared


def shared_within(shape: ModelShape, decide: Callable[[int], Decision], budget: int) -> Decisions:
    """`sharing` of the largest uniform rank that fits into `budget` stored bits, or of rank 0."""
    low, high = 0, max(max(linear.rows, linear.columns) for linear in shape.linears)
    while low < high:
        middle = (low + high + 1) // 2
        fits = stored_bits(shape, sharing(shape, uniform(shape, decide, middle))) <= budget
        low, high = (middle, high) if fits else (low, middle - 1)
    return sharing(shape, uniform(shape, decide, low))


def selective(
    shape: ModelShape,
    decide: Callable[[int], Decision],
    rank: int,
    protect: int | None = None,
    *,
    protected: Callable[[int], Decision] | None = None,
    first: bool = False,
) -> Decisions:
    """Uniform, with the last (or first) `protect` blocks (default: an eighth, at least one) left at 16 bit, or as `protected`
    decides from a rank."""
    if protect is None:
        protect = max(1, round(shape.blocks / 8))
    blocks = range(protect) if first else range(shape.blocks - protect, shape.blocks)
    spared = [linear for linear in shape.linears if linear.block in blocks]
    kept = {linear.name: protected(clamped(linear, rank)) if protected else Decision(bits=16) for linear in spared}
    return uniform(shape, decide, rank) | kept


def ultra(shape: ModelShape, decide: Callable[[int], Decision], rank: int) -> Decisions:
    """Rank by depth at no more stored bits than `uniform`: one more rank in any one block would exceed them."""
    members = [[linear for linear in shape.linears if linear.block == block] for block in range(shape.blocks)]
    budget = stored_bits(shape, uniform(shape, decide, rank))
    shares = rank_shares(shape.blocks)

    @cache
    def bits(rows: int, columns: int, rank: int) -> int:
        return decide(min(rank, rows, columns)).stored_bits(rows, columns)

    def fits(ranks: list[int]) -> bool:
        each = (
            bits(linear.rows, linear.columns, ranks[block])
            for block in range(shape.blocks)
            for linear in members[block]
        )
        return sum(each) <= budget

    # Clamping and whole ranks make size an uneven step function of the scale: bisect, then round up by need.
    low, high = 0.0, float(shape.hidden)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if fits([int(share * middle) for share in shares]) else (low, middle)
    exact = [share * low for share in shares]
    ranks = [int(value) for value in exact]
    limits = [max((clamped(linear, linear.rows) for linear in block), default=0) for block in members]
    while True:
        for block in sorted(range(shape.blocks), key=lambda block: ranks[block] - exact[block]):
            raised = [value + (index == block) for index, value in enumerate(ranks)]
            if ranks[block] < limits[block] and fits(raised):
                ranks = raised
                break
        else:
            return {linear.name: decide(clamped(linear, ranks[linear.block])) for linear in shape.linears}


def uniform_within(shape: ModelShape, decide: Callable[[int, int], Decision], budget: int) -> Decisions:
    """The same bits and rank everywhere, as much as fits into `budget` stored bits: most bits first, then rank.

    The remainder buys one more rank in as many Linears as possible, spread evenly over the depth.
    """

    def plan(bits: int, rank: int) -> Decisions:
        return uniform(shape, lambda clamped_rank: decide(clamped_rank, bits), rank)

    fitting = [bits for bits in range(2, 9) if stored_bits(shape, plan(bits, 0)) <= budget]
    if not fitting:
        least = stored_bits(shape, plan(2, 0)) / shape.weights
        raise UsageError("no uniform plan is that small", f"ask for {least + 0.005:.2f} bits per weight or more")
    bits = fitting[-1]
    low, high = 0, max(max(linear.rows, linear.columns) for linear in shape.linears)
    while low < high:  # the largest rank that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if stored_bits(shape, plan(bits, middle)) <= budget else (low, middle - 1)
    decisions = plan(bits, low)
    left = budget - stored_bits(shape, decisions)
    for linear in _spread(shape.linears):
        raised = decide(clamped(linear, low + 1), bits)
        price = linear.stored_bits(raised) - linear.stored_bits(decisions[linear.name])
        if price <= left:
            decisions[linear.name], left = raised, left - price
    return decisions


def _spread(linears: Sequence[LinearShape]) -> list[LinearShape]:
    """The Linears in an order of which every prefix is spread evenly over the list (van der Corput, base 2)."""
    width = len(linears).bit_length()
    return [linears[i] for i in sorted(range(len(linears)), key=lambda i: int(f"{i:0{width}b}"[::-1], 2))]


def shuffled(shape: ModelShape, decisions: Decisions, seed: int) -> Decisions:
    """The blocks' decisions shuffled among blocks of equal shape: the same stored bits at random depths."""
    layouts: dict[tuple[tuple[str, int, int, int], ...], list[int]] = {}
    members: dict[int, dict[str, LinearShape]] = {block: {} for block in range(shape.blocks)}
    for linear in shape.linears:
        members[linear.block][_place(linear)] = linear
    for block, linears in members.items():
        layout = tuple((place, each.rows, each.columns, each.width) for place, each in sorted(linears.items()))
        layouts.setdefault(layout, []).append(block)
    dealt = dict(decisions)
    generator = random.Random(seed)
    for blocks in layouts.values():
        sources = generator.sample(blocks, len(blocks))
        for block, source in zip(blocks, sources, strict=True):
            for place, linear in members[block].items():
                dealt[linear.name] = decisions[members[source][place].name]
    return dealt


def _place(linear: LinearShape) -> str:
    """The Linear's name with its block number left out, so that it names the same Linear in every block."""
    return ".".join(part for part in linear.name.split(".") if part != str(linear.block))
