"""What a compressor calibrates on: tokens of a text, a JSONL file, given conversations, or the model's own samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from harness.checkpoints.chat_template import freeze_clock
from harness.checkpoints.checkpoint import open_checkpoint
from harness.compression.calibration_rows import DATASETS, CalibrationRow, Message, read_rows
from harness.compression.self_samples import Told, self_samples
from harness.contract import Record
from harness.contract.compression import Calibration
from harness.errors import UsageError
from harness.store.hashing import key_of

SELF = "self"
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "n_ctx")


class CalibrationSource(Record):
    """`source`: "self" (text sampled from the model at temperature 1), the path of a text or JSONL file, or
    "datasets:NAME" with optional ":SPLIT" and ":COLUMN" (train, text), rows being read as those of a JSONL file.

    A JSONL row carries `messages`, `text`, or `prompt` and `completion`; with `min_score` rows whose `score` is lower
    are left out, with `weighted` a row's activations count in proportion to its score (consensus calibration).
    `texts` replaces the source by given texts and conversations, `tokens` by sequences of token ids. `sequential`
    collects the activations of the compressed prefix, otherwise those of the original model. `refit`, in sequential
    mode, fits each Linear to what the original model puts out there, not to its own weight.
    """

    source: str = SELF
    texts: tuple[str | tuple[Message, ...], ...] = ()
    tokens: tuple[tuple[int, ...], ...] = ()
    sequences: int = 128
    length: int = 512  # most tokens per sequence; the model's context if that is shorter
    seed: int = 0
    sequential: bool = True
    refit: bool = True
    min_score: float | None = None
    weighted: bool = False

    def check_scores(self, calibrated: bool) -> None:
        """Check that the rows may carry scores and that the compressor is `calibrated`, so that scores have an effect.

        Raises:
            UsageError: they would have no effect.
        """
        if not self.weighted and self.min_score is None:
            return
        flag = "weighted" if self.min_score is None else "min_score"
        if not calibrated:
            raise UsageError(f"{flag} does nothing: the compressor does not calibrate", "leave it out")
        listed = self.source.startswith(DATASETS) or Path(self.source).suffix == ".jsonl"
        if self.texts or self.tokens or not listed:
            source = "what is given" if self.texts or self.tokens else self.source
            raise UsageError(
                f"{flag} does nothing: {source} has no rows with scores", "give a .jsonl file or a dataset"
            )


def read_calibration(
    wanted: CalibrationSource, model: Path, device: str = "cpu", told: Told | None = None
) -> Calibration:
    """Token sequences for the model in folder `model`; a row without a score counts as 1. `told` hears of sampling.

    Raises:
        UsageError: the source is missing, empty or malformed, or needs what the tokenizer lacks.
    """
    length = min(wanted.length, context_length(model))
    if wanted.tokens:
        return Calibration([list(tokens) for tokens in wanted.tokens], [1.0] * len(wanted.tokens))
    if not wanted.texts and wanted.source == SELF:
        sequences = self_samples(model, wanted.sequences, length, wanted.seed, device, told)
        return Calibration(sequences, [1.0] * len(sequences))
    rows = [(text, 1.0) for text in wanted.texts] if wanted.texts else _scored(list(read_rows(wanted.source)), wanted)
    tokenizer = _tokenizer(model)
    whole = not wanted.texts and len(rows) == 1 and isinstance(rows[0][0], str)
    if whole:  # one running text: cut it
        tokens = tokenizer(rows[0][0], add_special_tokens=False, verbose=False)["input_ids"]
        encoded = [(tokens[start : start + length], 1.0) for start in range(0, len(tokens), length)]
    else:
        encoded = [(encode(tokenizer, text)[:length], score) for text, score in rows]
    encoded = [(tokens, score) for tokens, score in encoded if len(tokens) > 1 and (score > 0 or not wanted.weighted)]
    if not encoded:
        raise UsageError(f"the calibration source {wanted.source} holds no text", "give a longer one")
    chosen = [encoded[index] for index in _choose(len(encoded), wanted.sequences, wanted.seed)]
    return Calibration([tokens for tokens, _ in chosen], [score if wanted.weighted else 1.0 for _, score in chosen])


def calibration_digest(calibration: Calibration) -> str:
    """sha256 of its tokens and their weights."""
    return key_of([calibration.sequences, calibration.weights])


def _scored(rows: Sequence[CalibrationRow], wanted: CalibrationSource) -> list[tuple[str | Sequence[Message], float]]:
    """The rows that pass the score filter, each with its score."""
    if (wanted.weighted or wanted.min_score is not None) and rows and all(score is None for _, score in rows):
        raise UsageError(f"no row of {wanted.source} has a score", "leave out min_score and weighted")
    filled = [(text, 1.0 if score is None else score) for text, score in rows]
    least = wanted.min_score
    kept = [(text, score) for text, score in filled if least is None or score >= least]
    if least is not None and filled and not kept:
        highest = max(score for _, score in filled)
        raise UsageError(f"min_score {least:g} leaves no row of {wanted.source}", f"give {highest:g} or less")
    return kept


def encode(tokenizer: Any, text: str | Sequence[Message]) -> list[int]:
    """Token ids of a plain text, or of a conversation under the tokenizer's chat template."""
    if isinstance(text, str):
        return list(tokenizer(text, verbose=False)["input_ids"])
    if not tokenizer.chat_template:
        raise UsageError("the model has no chat template for a calibration conversation", "give plain texts")
    rendered = tokenizer.apply_chat_template(list(text), tokenize=False)
    return list(tokenizer(rendered, add_special_tokens=False, verbose=False)["input_ids"])


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
    from harness.checkpoints.pretrained import load_tokenizer

    try:
        tokenizer = load_tokenizer(model)
    except (OSError, ValueError) as error:
        raise UsageError(f"{model} has no usable tokenizer: {error}", f"calibrate on {SELF!r}") from error
    freeze_clock(tokenizer)
    return tokenizer
