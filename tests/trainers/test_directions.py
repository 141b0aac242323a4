"""Directions recover a planted contrast; placebos do not."""

from __future__ import annotations

import math

import pytest
import torch

from harness.errors import StageError
from harness_plugins.trainers.directions import (
    Recipe,
    drop_weakest,
    extract,
    haar,
    orient,
    placebo,
    swapped,
    top_rows,
    without,
)

P, R = 18, 60
PLAIN = Recipe(k=2, drop_bottom=0.0, held_out=2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def planted(noise: float = 0.3, seed: int = 0) -> tuple[dict, dict, dict]:
    """Gradients of two modules whose hack side is the clean side plus a step along a known axis, plus noise."""
    g = generator(seed)
    axes = {name: torch.nn.functional.normalize(torch.randn(R, generator=g), dim=0) for name in "ab"}
    clean = {name: 3 * torch.randn(P, R, generator=g) for name in "ab"}
    hack = {name: clean[name] + 4 * axes[name] + noise * torch.randn(P, R, generator=g) for name in "ab"}
    return hack, clean, axes


@pytest.mark.parametrize("method", ["svd", "mean_diff"])
def test_the_planted_axis_is_found_and_points_to_the_hack(method):
    hack, clean, axes = planted()
    found = extract(hack, clean, Recipe(method=method, k=1, drop_bottom=0.0))
    for name, axis in axes.items():
        assert float(found.subspaces[name][0] @ axis) > 0.97
    assert found.agreement == 1.0


def test_rows_are_orthonormal():
    hack, clean, _ = planted()
    v = extract(hack, clean, Recipe(k=4, drop_bottom=0.0)).subspaces["a"]
    assert v.shape == (4, R)
    torch.testing.assert_close(v @ v.T, torch.eye(4), atol=1e-5, rtol=0)


def test_orientation_is_by_vote_not_by_size():
    contrast = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-9.0, 0.0]])
    assert orient(torch.tensor([[-1.0, 0.0]]), contrast).tolist() == [[1.0, 0.0]]
    assert orient(torch.tensor([[-1.0, 0.0]]), contrast[1:]).tolist() == [[-1.0, 0.0]]  # a tie leaves it


def test_the_noise_floor_drops_weak_rows():
    hack, clean, _ = planted(noise=0.1)
    assert len(extract(hack, clean, Recipe(k=5, drop_bottom=0.0, tau=0.5)).subspaces["a"]) == 1
    assert len(extract(hack, clean, Recipe(k=5, drop_bottom=0.0, tau=0.0)).subspaces["a"]) == 5


def test_the_weakest_rows_of_all_modules_together_are_dropped():
    eye = torch.eye(4)
    found = {"a": (eye[:2], torch.tensor([9.0, 8.0])), "b": (eye[:2], torch.tensor([7.0, 1.0]))}
    kept = drop_weakest(found, 0.25)
    assert {name: len(v) for name, v in kept.items()} == {"a": 2, "b": 1}
    assert set(drop_weakest({**found, "c": (eye[:1], torch.tensor([0.1]))}, 0.5)) == {"a", "b"}


def test_solving_orthogonally_leaves_nothing_in_the_clean_span():
    hack, clean, _ = planted()
    basis, _ = top_rows(clean["a"][: P - 2], 3)
    v = extract(hack, clean, Recipe(k=2, drop_bottom=0.0, solve_orthogonal=3)).subspaces["a"]
    assert (v @ basis.T).abs().max() < 1e-4
    assert without(basis, basis).abs().max() < 1e-6


def test_held_out_pairs_have_no_part_in_the_directions():
    hack, clean, _ = planted()
    spoiled = {name: rows.clone() for name, rows in hack.items()}
    for rows in spoiled.values():
        rows[-2:] = 100.0
    first, second = extract(hack, clean, PLAIN), extract(spoiled, clean, PLAIN)
    assert torch.equal(first.subspaces["a"], second.subspaces["a"])
    assert math.isnan(extract(hack, clean, Recipe(held_out=0)).agreement)


def test_a_rank_deficient_contrast_gives_fewer_rows():
    _, clean, axes = planted()
    one = {name: clean[name] + axes[name] for name in "ab"}  # D has rank 1
    assert all(len(v) == 1 for v in extract(one, clean, Recipe(k=5, drop_bottom=0.0)).subspaces.values())


def test_what_has_no_direction_is_an_error():
    hack, clean, _ = planted()
    for method in ("svd", "mean_diff"):
        with pytest.raises(StageError, match="same gradients"):
            extract(clean, clean, Recipe(method=method))
    with pytest.raises(StageError, match="held out"):
        extract(hack, clean, Recipe(held_out=P))


# ------------------------------------------------------------------------------------------------------------- placebos


def test_haar_directions_are_as_many_and_know_nothing():
    hack, clean, axes = planted()
    real, random = extract(hack, clean, PLAIN), placebo("haar", hack, clean, PLAIN, seed=1)
    assert {n: v.shape for n, v in real.subspaces.items()} == {n: v.shape for n, v in random.subspaces.items()}
    v = random.subspaces["a"]
    torch.testing.assert_close(v @ v.T, torch.eye(2), atol=1e-5, rtol=0)
    assert (v @ axes["a"]).abs().max() < 0.5
    assert not torch.equal(v, placebo("haar", hack, clean, PLAIN, seed=2).subspaces["a"])
    assert not torch.equal(v, placebo("haar", hack, clean, PLAIN, seed=1, turn=1).subspaces["a"])


def test_haar_rows_have_no_preferred_direction():
    rows = torch.stack([haar(1, 3, generator(seed))[0] for seed in range(2000)])  # (2000, 3)
    assert rows.mean(dim=0).abs().max() < 0.05
    torch.testing.assert_close(rows.T @ rows / 2000, torch.eye(3, dtype=rows.dtype) / 3, atol=0.03, rtol=0)


def test_clean_against_clean_misses_the_axis():
    hack, clean, axes = planted()
    v = placebo("clean", hack, clean, PLAIN, seed=0).subspaces["a"]
    assert (v @ axes["a"]).abs().max() < 0.5


def test_shuffled_labels_keep_the_span_of_the_svd_and_lose_the_mean():
    """Singular vectors do not see the sign of a row: that is why this placebo alone is not enough under `svd`."""
    hack, clean, axes = planted()
    one = Recipe(k=1, drop_bottom=0.0)
    turned = [placebo("shuffled", hack, clean, one, seed).subspaces["a"][0] @ axes["a"] for seed in range(12)]
    assert min(abs(float(cosine)) for cosine in turned) > 0.97
    assert {float(cosine) > 0 for cosine in turned} == {True, False}
    hack_rows, clean_rows = swapped(hack, clean, torch.arange(P) % 2 == 0)
    means = (hack_rows["a"] - clean_rows["a"]).mean(dim=0), (hack["a"] - clean["a"]).mean(dim=0)
    assert means[0].norm() < 0.2 * means[1].norm()
