"""The activations that detectors may ask for. Each text passes through the model once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.contract import View

if TYPE_CHECKING:
    from harness.models.generate import Generator

Text = tuple[str, str]  # prompt, reply


class Activations:
    """Callable: views -> (N, d) float32. A text passes through the model once, however often it is asked for.

    `generator` is called on first use, so that a run whose detectors need no activations loads no model. `progress` is told
    how many of the texts of a call have been read, and how many there are: a large model takes minutes.
    """

    def __init__(
        self, generator: Callable[[], Generator], progress: Callable[[int, int], None] = lambda done, of: None
    ) -> None:
        self._generator, self._progress = generator, progress
        # (depth, text) -> sum over the reply's tokens (d,), number of these tokens
        self._known: dict[tuple[float, Text], tuple[np.ndarray, int]] = {}

    def __call__(self, views: Sequence[View], depth: float) -> np.ndarray:
        """The stream after `depth` (0 to 1) of the blocks, averaged over all tokens of a view's replies.

        A row is NaN where there is no such token, or where a prompt with its reply exceeds the model's context.
        """
        texts = [[(view.prompts[role], reply.text) for role, reply in view.replies.items()] for view in views]
        new = {text for of_view in texts for text in of_view if (depth, text) not in self._known}
        if new:
            from harness.models.activations import summed

            self._progress(0, len(new))
            read = summed(self._generator(), sorted(new), depth)
            for number, (text, total, tokens) in enumerate(read, start=1):
                self._known[depth, text] = total, tokens
                self._progress(number, len(new))
        rows = []
        for of_view in texts:
            totals, counts = zip(*(self._known[depth, text] for text in of_view), strict=True)
            rows.append(sum(totals) / max(1, sum(counts)))
        return np.stack(rows)
