"""Bit packing: nothing lost, nothing wasted."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checkpoints.packed_tensors import from_tensors, layout, to_tensors
from harness.checkpoints.packing import pack, packed_width, unpack
from harness.checkpoints.qlr import QLR, QuantMatrix
from harness.contract import Decision, matrix_bits

BITS = st.integers(1, 8)


@given(bits=BITS, rows=st.integers(1, 5), columns=st.integers(1, 200), seed=st.integers(0, 2**31))
@settings(max_examples=150, deadline=None)
def test_codes_survive_packing(bits: int, rows: int, columns: int, seed: int) -> None:
    codes = torch.randint(0, 2**bits, (rows, columns), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    packed = pack(codes, bits)
    assert (packed.dtype, packed.shape) == (torch.uint8, (rows, packed_width(columns, bits)))
    assert 8 * packed.numel() == matrix_bits(rows, columns, bits, 0) - 16
    assert torch.equal(unpack(packed, bits, columns), codes)


@given(bits=BITS, columns=st.integers(1, 60), seed=st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_packing_is_one_little_endian_bit_stream_a_row(bits: int, columns: int, seed: int) -> None:
    codes = torch.randint(0, 2**bits, (1, columns), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    stream = sum(int(code) << (position * bits) for position, code in enumerate(codes[0]))
    assert bytes(pack(codes, bits)[0].tolist()) == stream.to_bytes(packed_width(columns, bits), "little")


@pytest.mark.parametrize(("columns", "bits"), [(172, 3), (18944, 3), (29568, 5), (1, 7)])
def test_awkward_widths(columns: int, bits: int) -> None:
    codes = (torch.arange(2 * columns).view(2, columns) % 2**bits).to(torch.uint8)
    assert torch.equal(unpack(pack(codes, bits), bits, columns), codes)


def test_a_code_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit 3 bits"):
        pack(torch.tensor([[8]], dtype=torch.uint8), 3)
    with pytest.raises(ValueError, match="1 to 8 bits"):
        pack(torch.tensor([[0]], dtype=torch.uint8), 9)
    with pytest.raises(ValueError, match="fill 2 bytes"):
        unpack(torch.zeros(1, 3, dtype=torch.uint8), 3, 5)


@given(
    bits=BITS,
    rank=st.integers(0, 4),
    factor_bits=st.sampled_from([1, 2, 3, 4, 8, 16]),
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    group=st.sampled_from([0, 3, 64]),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=150, deadline=None)
def test_a_linear_survives_storage_at_its_planned_size(
    bits: int, rank: int, factor_bits: int, rows: int, columns: int, group: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    decision = Decision(bits=bits, group=group, rank=rank, factor_bits=factor_bits, factor_group=group)

    def matrix(height: int, width: int, code_bits: int) -> QuantMatrix | torch.Tensor:
        if code_bits == 16:
            return torch.randn(height, width, generator=generator).half()
        codes = torch.randint(0, 2**code_bits, (height, width), generator=generator).to(torch.uint8)
        shape = (height, -(-width // group)) if group else (1, 1)
        return QuantMatrix(codes, torch.rand(shape, generator=generator).half(), code_bits, group, "midrise")

    linear = QLR(decision, matrix(rows, columns, bits))
    if rank:
        linear.left, linear.right = matrix(rank, rows, factor_bits), matrix(rank, columns, factor_bits)
    tensors = to_tensors(linear, rows, columns)
    assert sum(8 * t.numel() * t.element_size() for t in tensors.values()) == decision.stored_bits(rows, columns)
    assert {name: (tuple(t.shape), t.dtype) for name, t in tensors.items()} == layout(decision, rows, columns)
    assert torch.equal(from_tensors(tensors, decision, rows, columns).dequantize(), linear.dequantize())
