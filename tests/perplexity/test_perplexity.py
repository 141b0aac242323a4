from __future__ import annotations

import json
import os

import pytest
import warm
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness_plugins.tasks.perplexity.spec import PerplexityParams
from harness_plugins.tasks.perplexity.suite import Perplexity
from harness_plugins.tasks.text_pieces import cut


@given(st.text(alphabet="ab \n", max_size=400), st.integers(16, 60))
def test_pieces_are_the_text_and_no_longer_than_asked(text, characters):
    pieces = cut(text, characters)
    assert all(0 < len(piece) <= characters for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_missing_or_empty_text_is_a_usage_error(tmp_path):
    (tmp_path / "empty").write_text("")
    for text in (None, tmp_path / "missing", tmp_path / "empty"):
        with pytest.raises(UsageError):
            Perplexity(PerplexityParams(text=text)).items()


def test_stories260k_has_the_loss_that_plain_transformers_gives_it(stories260k, shared_data, tmp_path):
    text = shared_data / "text" / "tinystories_valid_head30k.txt"
    command = ["-m", "harness", "run", "--tasks", f"perplexity:{text}", "--model", str(stories260k)]
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    overrides = [f"-Pperplexity:{text}.{setting}" for setting in ("items=3", "characters=700")]
    warm.run([*command, "-o", "r", *overrides], tmp_path, env, check=True)
    rows = [json.loads(line) for path in tmp_path.glob("r/cells/*/verdicts-*.jsonl") for line in path.open()]
    losses = [row["verdict"]["values"]["nats_per_token"] for row in rows]
    pieces = Perplexity(PerplexityParams(text=text, items=3, characters=700)).pieces
    assert losses == pytest.approx([plain_loss(stories260k, piece) for piece in pieces], abs=1e-4)


def plain_loss(folder, piece: str) -> float:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    target = tokenizer.encode(piece, add_special_tokens=False)
    ids = torch.tensor([[tokenizer.bos_token_id, *target]])
    with torch.no_grad():
        return model(ids, labels=ids).loss.item()
