"""Where the rank goes: uniform, ultra (by depth, at uniform's size), selective (the last blocks untouched).

The depth profile is the seed experiments' rank table for a 28-block model in units of its uniform rank 64, as a
function of relative depth, so that it serves 6 blocks as well as 80. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.contract import Decision, Decisions, LinearShape, ModelShape

DEPTH_PROFILE = ((0.82, 0.5), (0.86, 1.25), (0.93, 2.0), (1.0, 4.0))  # (upper end of relative depth, rank share)
HIDDEN_PER_RANK = 56  # the seeds' rank 64 on a hidden size of 3584


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
    return sum(decisions[linear.name].stored_bits(linear.rows, linear.columns) for linear in shape.linears)


def uniform(shape: ModelShape, decide: Callable[[int], Decision], rank: int) -> Decisions:
    """The same bits and rank everywhere; `decide` turns a rank into a decision."""
    return {linear.name: decide(clamped(linear, rank)) for linear in shape.linears}


def selective(shape: ModelShape, decide: Callable[[int], Decision], rank: int, protect: int | None = None) -> Decisions:
    """Uniform, with the last `protect` blocks (default: an eighth, at least one) left at 16 bit."""
    if protect is None:
        protect = max(1, round(shape.blocks / 8))
    decisions = uniform(shape, decide, rank)
    kept = {linear.name: Decision(bits=16) for linear in shape.linears if linear.block >= shape.blocks - protect}
    return decisions | kept


def ultra(shape: ModelShape, decide: Callable[[int], Decision], rank: int) -> Decisions:
    """Rank by depth at no more stored bits than `uniform`: one more rank in any one block would exceed them."""
    budget = stored_bits(shape, uniform(shape, decide, rank))
    shares = rank_shares(shape.blocks)

    def by_block(ranks: list[int]) -> Decisions:
        return {linear.name: decide(clamped(linear, ranks[linear.block])) for linear in shape.linears}

    def fits(ranks: list[int]) -> bool:
        return stored_bits(shape, by_block(ranks)) <= budget

    # Clamping and whole ranks make size an uneven step function of the scale: bisect, then round up by need.
    low, high = 0.0, float(shape.hidden)
    for _ in range(40):
        middle = (low + high) / 2
        if fits([int(share * middle) for share in shares]):
            low = middle
        else:
            high = middle
    exact = [share * low for share in shares]
    ranks = [int(value) for value in exact]
    limit = [
        max((clamped(linear, linear.rows) for linear in shape.linears if linear.block == block), default=0)
        for block in range(shape.blocks)
    ]
    while True:
        by_need = sorted(range(shape.blocks), key=lambda block: ranks[block] - exact[block])
        for block in by_need:
            raised = [value + (index == block) for index, value in enumerate(ranks)]
            if ranks[block] < limit[block] and fits(raised):
                ranks = raised
                break
        else:
            return by_block(ranks)
