"""One side of `gptq_reference.py`: llm-compressor's GPTQ of single matrices, run by an interpreter that has it.

    PYTHON benchmarks/gptq_rival.py GIVEN MADE BITS GROUP

GIVEN has matrices w0, w1, … (m, n) and their second moments h0, h1, … (n, n). MADE gets what they are rounded to by
GPTQ (gptq0, …), to nearest on the same grid (nearest0, …), and the seconds of the former.
"""

from __future__ import annotations

import sys
import time

import torch
from compressed_tensors.quantization import QuantizationArgs, fake_quantize
from compressed_tensors.quantization.utils import calculate_qparams
from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight
from safetensors.torch import load_file, save_file


def main() -> None:
    given, made, bits, group = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    stored = load_file(given)
    args = QuantizationArgs(
        num_bits=bits, type="int", symmetric=True, strategy="group", group_size=group, actorder="weight"
    )
    result, seconds = {}, 0.0
    for number in range(len(stored) // 2):
        weight, hessian = stored[f"w{number}"], stored[f"h{number}"]
        groups = weight.unflatten(1, (-1, group))
        scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), args)
        result[f"nearest{number}"] = fake_quantize(weight, scale, zero, args)
        begun = time.perf_counter()
        rounded, _, fell_back = quantize_weight(
            weight[None].clone(), hessian[None].clone(), scale[None], zero[None], None, args
        )
        seconds += time.perf_counter() - begun
        if bool(fell_back.any()):
            raise SystemExit(f"matrix {number}: its Hessian was not factorised, and it was rounded to nearest")
        result[f"gptq{number}"] = rounded[0]
    result["seconds"] = torch.tensor(seconds)
    save_file({name: one.contiguous() for name, one in result.items()}, made)


if __name__ == "__main__":
    main()
