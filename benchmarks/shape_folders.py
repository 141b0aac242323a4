"""Model folders without weights, to plan with: what config.json of Qwen2.5 says, and the headers of safetensors files.

    python benchmarks/shape_folders.py FOLDER
    harness plan examples/experiments/knowing-or-doing.toml --model FOLDER/Qwen2.5-7B-Instruct --machine h100x1

Nothing is fetched. The tokenizer is the embedded model's: the estimate counts characters.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
import sys
from pathlib import Path
from typing import NamedTuple

from harness.checkpoints.shards import HEADER, REMOTE, RemoteFile, RemoteModel
from harness.checkpoints.weight_files import SINGLE

TOKENIZER = Path(__file__).parents[1] / "plugins" / "tasks" / "goodhart" / "pocket"


class Sizes(NamedTuple):
    width: int
    inner: int  # of the MLP
    blocks: int
    heads: int
    groups: int  # heads of keys and values
    vocabulary: int = 152064
    tied: bool = False  # the embedding is the head as well


MODELS = {  # huggingface.co/Qwen
    "Qwen2.5-Coder-1.5B-Instruct": Sizes(1536, 8960, 28, 12, 2, vocabulary=151936, tied=True),
    "Qwen2.5-7B-Instruct": Sizes(3584, 18944, 28, 28, 4),
    "Qwen2.5-72B-Instruct": Sizes(8192, 29568, 80, 64, 8),
}


def tensors(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Name -> shape, with rows = outputs."""
    width, inner, blocks, heads, groups, vocabulary, tied = sizes
    keys = width // heads * groups
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocabulary, width)}
    for block in range(blocks):
        attention, mlp = f"model.layers.{block}.self_attn.", f"model.layers.{block}.mlp."
        for name, rows in (("q_proj", width), ("k_proj", keys), ("v_proj", keys)):
            found |= {f"{attention}{name}.weight": (rows, width), f"{attention}{name}.bias": (rows,)}
        found |= {f"{attention}o_proj.weight": (width, width), f"{mlp}down_proj.weight": (width, inner)}
        found |= {f"{mlp}{name}.weight": (inner, width) for name in ("gate_proj", "up_proj")}
        found |= {
            f"model.layers.{block}.{name}.weight": (width,) for name in ("input_layernorm", "post_attention_layernorm")
        }
    head = {} if tied else {"lm_head.weight": (vocabulary, width)}
    return found | {"model.norm.weight": (width,)} | head


def write(folder: Path, sizes: Sizes) -> None:
    header, end = {}, 0
    for name, shape in tensors(sizes).items():
        begun, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": (begun, end)}
    head = json.dumps(header).encode()
    folder.mkdir(parents=True)
    (folder / f"{SINGLE}{HEADER}").write_bytes(struct.pack("<Q", len(head)) + head)
    shard = RemoteFile(bytes=8 + len(head) + end, sha256="0" * 64)
    (folder / REMOTE).write_text(RemoteModel(source="folder:/nowhere", shards={SINGLE: shard}).model_dump_json())
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": sizes.width,
        "intermediate_size": sizes.inner,
        "num_hidden_layers": sizes.blocks,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.groups,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": sizes.tied,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    for file in TOKENIZER.iterdir():
        if file.name.startswith(("tokenizer", "chat_template")):
            shutil.copy(file, folder)


if __name__ == "__main__":
    for model, sizes in MODELS.items():
        write(Path(sys.argv[1]) / model, sizes)
