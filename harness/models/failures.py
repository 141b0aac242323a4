"""What may go wrong while a model is asked, as errors of the harness."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from harness.errors import StageError


def not_finite() -> StageError:
    return StageError("the model's logits are not finite", "its weights are damaged, or too large for this dtype")


@contextlib.contextmanager
def memory_errors(batch_size: int, remedy: str | None = None) -> Iterator[None]:
    """Turn running out of memory, on a GPU or the CPU, into a StageError. Without a `remedy`, that of a run is named."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        usual = "lower --batch-size" if batch_size > 1 else "use a smaller model or a lower --max-tokens"
        raise StageError(f"a batch of {batch_size} ran out of memory", remedy or usual) from error


def out_of_memory(error: Exception) -> bool:
    """Whether an error of a GPU (a RuntimeError) or of the CPU says so."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
