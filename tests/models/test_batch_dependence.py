"""Models whose replies depend on the batch are found when they are loaded, and asked one prompt at a time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from harness.contract import Chat, Prompt, Reply
from harness.models.activations import summed
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness.registry.backend import Backend
from harness.running.stages.sample_backend import BackendCache

SIZES = {
    "vocab_size": 384, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
LONGROPE = {
    "rope_parameters": {
        "rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [4.0] * 4,
    },
    "original_max_position_embeddings": 64,
}  # fmt: skip
RECURRENT = {"lru_width": 32, "block_types": ["recurrent", "attention"], "head_dim": 8, "attention_window_size": 16}
RWKV = {"attention_hidden_size": 32, "context_length": 256}
TEXTS = ("Hi", "Ana has 4 pens", "x " * 60, "Order the runners")


def build(folder: Path, tiny: Path, kind: str, config: dict[str, object]) -> Path:
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SIZES, **config}), dtype=torch.float32)
        for parameter in model.parameters():  # as made, a row of 32 decides too little
            parameter.data.add_(0.3 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "config"), [("phi3", LONGROPE), ("recurrent_gemma", RECURRENT), ("rwkv", RWKV)], ids=["phi3", "rg", "rwkv"]
)
def test_a_batch_gets_what_each_prompt_gets_alone(tiny_qwen2: Path, tmp_path: Path, kind: str, config: dict) -> None:
    loaded = load(build(tmp_path / kind, tiny_qwen2, kind, config), "cpu")
    assert "in a batch of two rows its logits are off by" in loaded.alone
    asked = Generator(loaded)
    said = [Prompt(role="r", text=text, max_tokens=6) for text in TEXTS]
    scored = [Prompt(role="r", text=text, target=" 15 apples") for text in TEXTS]
    chosen = [Prompt(role="r", text=text, choices=("one", "two and a half")) for text in TEXTS]

    def generate(prompts: list[Prompt]) -> list[Reply]:
        return asked.generate(prompts, [7] * len(prompts), Sampling(temperature=1.0))

    for prompts, ask in ((said, generate), (scored, asked.log_likelihood), (chosen, asked.choose)):
        assert ask(prompts) == [ask([prompt])[0] for prompt in prompts]


@pytest.mark.parametrize("config", [{}, {"sliding_window": 8, "use_sliding_window": True, "max_window_layers": 0}])
def test_others_go_in_batches(tiny_qwen2: Path, tmp_path: Path, config: dict) -> None:
    assert load(tiny_qwen2, "cpu").alone == ""
    assert load(build(tmp_path / "m", tiny_qwen2, "qwen2", config), "cpu", "bfloat16").alone == ""


def test_padding_is_what_mamba_and_gpt2_are_told_to_leave_out(tiny_qwen2: Path, tmp_path: Path) -> None:
    for kind, config in (("mamba", {"state_size": 8}), ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4})):
        assert load(build(tmp_path / kind, tiny_qwen2, kind, config), "cpu").alone == ""


def test_activations_are_read_one_by_one(tiny_qwen2: Path, tmp_path: Path) -> None:
    asked = Generator(load(build(tmp_path / "m", tiny_qwen2, "phi3", LONGROPE), "cpu"))
    texts = [("Hi", "yes"), ("Hi", "x " * 60)]
    together = {text: total for text, total, _ in summed(asked, texts, 1.0)}
    assert (together[texts[0]] == next(summed(asked, texts[:1], 1.0))[1]).all()


def test_a_backend_that_holds_such_a_model_asks_one_by_one_as_well(tiny_qwen2: Path, tmp_path: Path) -> None:
    backend = Backend(name="hf")
    settings = SimpleNamespace(device="cpu", dtype="float32", batch_size=4, chat=Chat())
    cell: Any = SimpleNamespace(model=SimpleNamespace(backend=backend), settings=settings)
    backends = BackendCache()
    assert backends.get(cell, tiny_qwen2, own_loop=False).at_once == 4
    assert not backends.decoding.alone
    asked = backends.get(cell, build(tmp_path / "m", tiny_qwen2, "phi3", LONGROPE), own_loop=False)
    assert asked.at_once == 1
    assert "in a batch of two rows" in (backends.decoding.alone or "")
    scored = [Prompt(role="r", text=text, choices=("one", "two and a half")) for text in TEXTS]
    together = asked.ask(scored, [7] * len(scored), 0.0, 1.0)
    assert together == [asked.ask([prompt], [7], 0.0, 1.0)[0] for prompt in scored]
