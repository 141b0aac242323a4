from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import StageError
from harness_plugins.compressors.caldera import grid as grid_module
from harness_plugins.compressors.caldera.grid import Grid

shapes = st.tuples(st.integers(1, 9), st.integers(1, 70))
grids = st.builds(
    Grid, bits=st.integers(2, 8), group=st.sampled_from([0, 5, 32, 64]), kind=st.sampled_from(["midrise", "midtread"])
)


def noise(shape: tuple[int, int], seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(grid=grids, shape=shapes, seed=st.integers(0, 99))
def test_codes_are_in_range_and_nearest(grid: Grid, shape: tuple[int, int], seed: int) -> None:
    x = noise(shape, seed)
    scales = grid.search_scales(x)
    stored = grid.nearest(x, scales)
    assert stored.codes.dtype == torch.uint8
    assert int(stored.codes.max()) < 2**grid.bits
    assert stored.scales.shape == ((1, 1) if grid.group == 0 else (shape[0], -(-shape[1] // grid.group)))
    step = grid.expand(scales, shape[1]).expand_as(x)
    levels = (torch.arange(2**grid.bits) - grid.offset) * step[..., None]  # (rows, columns, levels)
    nearest = (x[..., None] - levels).abs().amin(dim=2)
    assert torch.allclose((x - stored.dequantize()).abs(), nearest, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(grid=grids, shape=shapes, seed=st.integers(0, 99))
def test_searched_scales_never_lose_to_absmax(grid: Grid, shape: tuple[int, int], seed: int) -> None:
    x, importance = noise(shape, seed), noise((1, shape[1]), seed + 1).square()[0] + 0.1

    def error(scales: torch.Tensor) -> float:
        return float((importance * (x - grid.nearest(x, scales).dequantize()).square()).sum())

    assert error(grid.search_scales(x, importance)) <= error(grid.absmax_scales(x)) * (1 + 1e-5)


def test_padding_of_the_last_group_carries_no_weight() -> None:
    x = noise((4, 70), 0)
    alone = Grid(3, 64).search_scales(x[:, 64:])
    assert torch.equal(Grid(3, 64).search_scales(x)[:, 1:], alone)


def test_rows_are_searched_as_if_each_were_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    x, importance = noise((7, 70), 0), noise((1, 70), 1).square()[0]
    whole = Grid(3, 32).search_scales(x, importance)
    monkeypatch.setattr(grid_module, "SEARCHED", 140)  # two rows at a time, the last part shorter
    assert torch.equal(Grid(3, 32).search_scales(x, importance), whole)


@pytest.mark.parametrize("kind", ["midrise", "midtread"])
def test_zero_groups_stay_zero(kind: str) -> None:
    x = torch.zeros(3, 8)
    grid = Grid(2, 4, kind)
    for scales in (grid.absmax_scales(x), grid.search_scales(x)):
        assert torch.equal(grid.nearest(x, scales).dequantize(), x)


def test_absmax_round_to_nearest_uses_the_full_signed_grid() -> None:
    x = torch.tensor([[-4.0, -1.0, 0.4, 3.9]])
    grid = Grid(3, 0, "midtread")
    stored = grid.nearest(x, grid.absmax_scales(x))
    assert stored.scales.item() == 1.0
    assert torch.equal(stored.dequantize(), torch.tensor([[-4.0, -1.0, 0.0, 3.0]]))
    assert grid.absmax_scales(torch.tensor([[3.0]]), symmetric=True).item() == 1.0


def test_a_step_beyond_fp16_is_refused() -> None:
    with pytest.raises(StageError, match="fp16"):
        Grid(2, 0).absmax_scales(torch.full((1, 4), 1e6))
