"""Dense bit packing: codes of 1 to 8 bits, with no waste except the padding of each row to whole bytes.

Codes lie little-endian in the row's bit stream: code j occupies bits j·b … j·b + b − 1, bit k of the stream being bit
k mod 8 of byte k div 8. Eight codes of b bits therefore fill exactly b bytes, which is the unit both functions work in.
"""

from __future__ import annotations

import torch


def packed_width(columns: int, bits: int) -> int:
    """Bytes of one packed row of `columns` codes."""
    return -(-columns * bits // 8)


def pack(codes: torch.Tensor, bits: int) -> torch.Tensor:
    """(rows, columns) uint8 codes below 2^bits -> (rows, packed_width) uint8.

    Raises:
        ValueError: bits outside 1 … 8, or a code that does not fit.
    """
    _check_bits(bits)
    if codes.numel() and int(codes.max()) >> bits:
        raise ValueError(f"a code of {int(codes.max())} does not fit {bits} bits")
    rows, columns = codes.shape
    units = -(-columns // 8)
    padded = codes.new_zeros(rows, units * 8, dtype=torch.int64)
    padded[:, :columns] = codes
    shifts = torch.arange(8, device=codes.device) * bits
    words = (padded.view(rows, units, 8) << shifts).sum(dim=-1)  # (rows, units, 8 codes) -> (rows, units) of 8·b bits
    octets = words.unsqueeze(-1) >> (torch.arange(bits, device=codes.device) * 8) & 0xFF  # -> (rows, units, b bytes)
    return octets.to(torch.uint8).view(rows, units * bits)[:, : packed_width(columns, bits)].contiguous()


def unpack(packed: torch.Tensor, bits: int, columns: int) -> torch.Tensor:
    """(rows, packed_width) uint8 -> (rows, columns) uint8 codes."""
    _check_bits(bits)
    width = packed.shape[1]
    if width != packed_width(columns, bits):
        raise ValueError(f"{columns} codes of {bits} bits fill {packed_width(columns, bits)} bytes, not {width}")
    if bits == 8:
        return packed
    first = torch.arange(columns, device=packed.device) * bits  # (columns,) first bit of each code
    byte, shift = first >> 3, (first & 7).to(torch.uint8)
    low = packed[:, byte] >> shift
    if 8 % bits == 0:  # no code straddles two bytes
        return low & (2**bits - 1)
    following = (byte + 1).clamp(max=width - 1)
    high = torch.where(shift == 0, 0, packed[:, following] << ((8 - shift) & 7))
    return (low | high) & (2**bits - 1)


def _check_bits(bits: int) -> None:
    if not 1 <= bits <= 8:
        raise ValueError(f"codes have 1 to 8 bits, not {bits}")
