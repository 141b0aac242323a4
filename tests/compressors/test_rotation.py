from __future__ import annotations

import pytest
import torch

from harness.checkpoints.rotation import (
    hadamard,
    rotate,
    rotate_hessian,
    rotate_inputs,
    rotate_outputs,
    unrotate,
    unrotate_outputs,
)

DIMENSIONS = [1, 2, 7, 64, 172, 4736]  # 4736 = 18944 / 4 = 37 · 128


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_hadamard_is_its_own_inverse_and_orthogonal(dim: int) -> None:
    x = torch.randn(3, dim, dtype=torch.float64)
    assert torch.allclose(hadamard(hadamard(x)), x, atol=1e-12)
    assert torch.allclose(hadamard(x) @ hadamard(x).T, x @ x.T, atol=1e-10)


@pytest.mark.parametrize("dim", [2, 8, 12])
def test_hadamard_is_block_diagonal_of_signs(dim: int) -> None:
    block = dim & -dim
    matrix = hadamard(torch.eye(dim, dtype=torch.float64)) * block**0.5
    expected = torch.block_diag(*[torch.ones(block, block)] * (dim // block)).double()
    assert torch.allclose(matrix.abs(), expected)


@pytest.mark.parametrize(("rows", "columns"), [(172, 64), (64, 172), (5, 7), (96, 96)])
def test_unrotate_inverts_rotate_and_one_sided_versions_agree(rows: int, columns: int) -> None:
    weight = torch.randn(rows, columns, dtype=torch.float64)
    x = torch.randn(4, columns, dtype=torch.float64)
    turned = rotate(weight, seed=3)
    assert torch.allclose(unrotate(turned, seed=3), weight, atol=1e-12)
    y = rotate_inputs(x, seed=3) @ turned.T  # (4, columns) @ (columns, rows)
    assert torch.allclose(unrotate_outputs(y, seed=3), x @ weight.T, atol=1e-10)
    assert torch.allclose(rotate_outputs(x @ weight.T, seed=3), y, atol=1e-10)
    assert not torch.allclose(rotate(weight, seed=4), turned)


@pytest.mark.parametrize(("rows", "columns"), [(172, 64), (9, 12)])
def test_the_weighted_error_is_invariant(rows: int, columns: int) -> None:
    difference = torch.randn(rows, columns, dtype=torch.float64)
    x = torch.randn(50, columns, dtype=torch.float64)
    hessian = x.T @ x
    turned, turned_hessian = rotate(difference, seed=1), rotate_hessian(hessian, seed=1)
    plain = torch.trace(difference @ hessian @ difference.T)
    assert torch.allclose(torch.trace(turned @ turned_hessian @ turned.T), plain)


def test_a_rotation_spreads_an_outlier() -> None:
    weight = torch.zeros(64, 64)
    weight[5, 9] = 1.0
    assert torch.allclose(rotate(weight, seed=0).abs(), torch.full((64, 64), 1 / 64))
