"""What a compressor calibrates on: tokens of a text, a JSONL file, given conversations, or the model's own samples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.checkpoint import digest_json, open_checkpoint
from harness.contract import Record
from harness.errors import UsageError

SELF = "self"
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx")
SAMPLING_BATCH = 32

Message = dict[str, str]  # {"role": …, "content": …}


class CalibrationSource(Record):
    """`source`: "self" (text sampled from the model at temperature 1), or the path of a text or JSONL file.

    A JSONL row carries `messages`, `text`, or `prompt` and `completion`; with `min_score` rows whose `score` is lower
    are left out, with `weighted` a row's activations count in proportion to its score (consensus calibration).
    `texts` replaces the source by given texts and conversations. `sequential` collects the activations of the
    compressed prefix, otherwise those of the original model.
    """

    source: str = SELF
    texts: tuple[str | tuple[Message, ...], ...] = ()
    sequences: int = 128
    length: int = 512  # tokens a sequence at most; the model's context if that is shorter
    seed: int = 0
    sequential: bool = True
    min_score: float | None = None
    weighted: bool = False


@dataclass(frozen=True)
class Calibration:
    """Token sequences, each with the weight its activations carry in the Hessian."""

    sequences: list[list[int]]
    weights: list[float]

    @property
    def tokens(self) -> int:
        return sum(map(len, self.sequences))

    @property
    def digest(self) -> str:
        return digest_json([self.sequences, self.weights])


def read_calibration(wanted: CalibrationSource, model: Path, device: str = "cpu") -> Calibration:
    """Token sequences for the model in folder `model`.

    Raises:
        UsageError: the source is missing, empty or malformed, or needs what the tokenizer lacks.
    """
    length = min(wanted.length, context_length(model))
    if not wanted.texts and wanted.source == SELF:
        sequences = sample_from(model, wanted.sequences, length, wanted.seed, device)
        return Calibration(sequences, [1.0] * len(sequences))
    if wanted.texts:
        rows: list[tuple[Any, float]] = [(text, 1.0) for text in wanted.texts]
    else:
        path = Path(wanted.source)
        if not path.is_file():
            raise UsageError(f"no calibration text at {path}", f"give a text file, a .jsonl file or {SELF!r}")
        rows = list(read_jsonl(path, wanted.min_score)) if path.suffix == ".jsonl" else [(path.read_text(), 1.0)]
    tokenizer = _tokenizer(model)
    whole = not wanted.texts and len(rows) == 1 and isinstance(rows[0][0], str)
    if whole:  # one running text: cut it
        tokens = tokenizer(rows[0][0], add_special_tokens=False, verbose=False)["input_ids"]
        encoded = [(tokens[start : start + length], 1.0) for start in range(0, len(tokens), length)]
    else:
        encoded = [(encode(tokenizer, text)[:length], score) for text, score in rows]
    encoded = [(tokens, score) for tokens, score in encoded if len(tokens) > 1]
    if not encoded:
        raise UsageError(f"the calibration source {wanted.source} holds no text", "give a longer one")
    chosen = [encoded[index] for index in _choose(len(encoded), wanted.sequences, wanted.seed)]
    return Calibration([tokens for tokens, _ in chosen], [score if wanted.weighted else 1.0 for _, score in chosen])


def read_jsonl(path: Path, min_score: float | None) -> Iterator[tuple[str | list[Message], float]]:
    """(text or conversation, score) of each row; a row without a score counts as 1."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            score = float(row.get("score", 1.0))
            if "messages" in row:
                text: str | list[Message] = [
                    {"role": turn["role"], "content": turn["content"]} for turn in row["messages"]
                ]
            elif "text" in row:
                text = str(row["text"])
            else:
                turns = (("user", row["prompt"]), ("assistant", row["completion"]))
                text = [{"role": role, "content": content} for role, content in turns]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "a row is an object with messages, text, or prompt and completion"
            raise UsageError(f"{path}, line {number}: {type(error).__name__} {error}", remedy) from error
        if min_score is None or score >= min_score:
            yield text, score


def encode(tokenizer: Any, text: str | Sequence[Message]) -> list[int]:
    """Token ids of a plain text, or of a conversation under the tokenizer's chat template."""
    if isinstance(text, str):
        return list(tokenizer(text, verbose=False)["input_ids"])
    if not tokenizer.chat_template:
        raise UsageError("the model has no chat template for a calibration conversation", "give plain texts")
    rendered = tokenizer.apply_chat_template(list(text), tokenize=False)
    return list(tokenizer(rendered, add_special_tokens=False, verbose=False)["input_ids"])


@torch.no_grad()
def sample_from(model: Path, count: int, length: int, seed: int, device: str = "cpu") -> list[list[int]]:
    """`count` sequences of at most `length` tokens drawn from the model at temperature 1, each ending with its eos.

    They start with the bos token; a model without one starts each with a token drawn uniformly from its vocabulary. The
    whole model is loaded for this.
    """
    from transformers import AutoModelForCausalLM

    network: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    network.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    config = network.generation_config
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    stop = torch.tensor([end for end in ends if end is not None], device=device)
    sequences: list[list[int]] = []
    for first in range(0, count, SAMPLING_BATCH):
        rows = min(SAMPLING_BATCH, count - first)
        if config.bos_token_id is None:
            tokens = torch.randint(network.config.vocab_size, (rows, 1), generator=generator, device=device)
        else:
            tokens = torch.full((rows, 1), config.bos_token_id, device=device)
        sequences += [_until(row, stop) for row in _continue(network, tokens, length, stop, generator)]
    return [sequence for sequence in sequences if len(sequence) > 1]


def _continue(
    network: Any, tokens: torch.Tensor, length: int, stop: torch.Tensor, generator: torch.Generator
) -> list[list[int]]:
    """(B, 1) first tokens -> B rows of up to `length` tokens; ends early once every row has stopped."""
    rows = [tokens]
    cache, ended = None, torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
    for _ in range(length - 1):
        out = network(input_ids=tokens, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        probabilities = out.logits[:, -1].float().softmax(dim=-1)  # (B, T, V) -> (B, V)
        tokens = torch.multinomial(probabilities, 1, generator=generator)  # (B, 1)
        rows.append(tokens)
        ended |= torch.isin(tokens[:, 0], stop)
        if bool(ended.all()):
            break
    return torch.cat(rows, dim=1).tolist()


def _until(tokens: list[int], stop: torch.Tensor) -> list[int]:
    """Up to and with the first stop token after the first position."""
    ends = set(stop.tolist())
    end = next((index for index, token in enumerate(tokens) if index and token in ends), len(tokens) - 1)
    return tokens[: end + 1]


def context_length(model: Path) -> int:
    config = open_checkpoint(model).config
    lengths = [config[key] for key in CONTEXT_KEYS if isinstance(config.get(key), int)]
    return min(lengths) if lengths else 1 << 30


def _choose(available: int, wanted: int, seed: int) -> list[int]:
    """`wanted` of `available` indices without repetition, in ascending order."""
    if available <= wanted:
        return list(range(available))
    return sorted(torch.randperm(available, generator=torch.Generator().manual_seed(seed))[:wanted].tolist())


def _tokenizer(model: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise UsageError(f"{model} has no usable tokenizer: {error}", f"calibrate on {SELF!r}") from error
