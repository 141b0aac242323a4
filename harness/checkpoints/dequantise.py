"""`python -m harness.checkpoints.dequantise FOLDER FILE.gguf…`: write the checkpoint that GGUF files hold to a folder.

The last line of its output is JSON with the file's quantisation, or what is wrong.
"""

from __future__ import annotations

import functools
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MERGED = "merged.gguf"


def dequantise(files: Sequence[Path], out: Path) -> str:
    """Write config, weights, tokenizer and chat template; returns the quantisation as the file calls it.

    Weights become bfloat16, but for a file that holds float32 or float16.
    """
    import gguf
    import torch
    from transformers import GgufConfig
    from transformers.utils import logging

    from harness.checkpoints.pretrained import load_model, load_tokenizer

    logging.set_verbosity_error()
    for name in ("GGUFReader", "get_tensor_name_map"):  # transformers maps all names anew for each module
        setattr(gguf, name, functools.cache(getattr(gguf, name)))
    reader = gguf.GGUFReader(str(files[0]))
    name = quantisation(reader)
    file = files[0] if len(files) == 1 else merged(files, out / MERGED)
    dtype = {"F32": torch.float32, "F16": torch.float16}.get(name, torch.bfloat16)
    tokenizer = load_tokenizer(file.parent, gguf_file=file.name)
    model, report = load_model(
        file.parent,
        gguf_file=file.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=dtype,
        output_loading_info=True,
    )
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{len(missing)} weights are missing, the first: {missing[0]}")
    tokenizer.save_pretrained(out)
    model.save_pretrained(out)
    (out / MERGED).unlink(missing_ok=True)
    return name


def quantisation(reader: Any) -> str:
    """ "Q4_K_M": what the file says, else the type of most of its tensors."""
    from gguf import LlamaFileType

    stated = reader.get_field("general.file_type")
    try:
        named = LlamaFileType(int(stated.contents())).name
    except (AttributeError, ValueError):
        named = Counter(tensor.tensor_type.name for tensor in reader.tensors).most_common(1)[0][0]
    return named.removeprefix("MOSTLY_").removeprefix("ALL_")


def merged(files: Sequence[Path], out: Path) -> Path:
    """One file with the tensors of all parts and the metadata of the first; transformers reads no split ones."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    readers: list[Any] = [GGUFReader(file) for file in files]
    writer = GGUFWriter(out, readers[0].get_field("general.architecture").contents())
    for name, field in readers[0].fields.items():
        if not name.startswith(("GGUF.", "split.")) and name != "general.architecture":
            part = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=part)
    tensors = [tensor for reader in readers for tensor in reader.tensors]
    for tensor in tensors:
        writer.add_tensor_info(
            tensor.name, tensor.data.shape, tensor.data.dtype, tensor.data.nbytes, tensor.tensor_type
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(tensor.data)
    writer.close()
    return out


def main() -> None:
    out, *files = map(Path, sys.argv[1:])
    try:
        print(json.dumps({"quantisation": dequantise(files, out)}))
    except Exception as error:  # damaged files make the readers raise anything
        print(f"{type(error).__name__}: {' '.join(str(error).split())}")
        sys.exit(1)


if __name__ == "__main__":
    main()
