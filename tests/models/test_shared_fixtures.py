"""The models that the other tests stand on are what they say they are."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def test_tiny_qwen2_loads_with_biases_a_tied_head_and_a_chat_template(tiny_qwen2: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_qwen2)
    tokenizer = AutoTokenizer.from_pretrained(tiny_qwen2)

    assert model.config.model_type == "qwen2"
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.model.layers[1].self_attn.q_proj.bias.abs().mean() > 0.01
    assert len(tokenizer) == model.config.vocab_size
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "How much is 375?"}], tokenize=False, add_generation_prompt=True
    )
    assert text == "<|im_start|>user\nHow much is 375?<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert {tokenizer.decode(token) for token in tokenizer("375")["input_ids"]} == {"3", "7", "5"}


def test_stories260k_continues_its_published_greedy_text(stories260k: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(stories260k)
    tokenizer = AutoTokenizer.from_pretrained(stories260k)
    prompt = torch.tensor([[tokenizer.bos_token_id]])  # (1, 1)
    tokens = model.generate(prompt, max_new_tokens=20, do_sample=False, eos_token_id=2)
    text = tokenizer.decode(tokens[0], skip_special_tokens=True)
    assert text.strip().startswith("Once upon a time, there was a little girl named Lily.")
