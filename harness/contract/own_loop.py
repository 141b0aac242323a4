"""The capability of suites whose library asks the model in a loop of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from harness.contract.evaluation import Reply
from harness.contract.suite import TaskSuite


class LibraryModel(Protocol):
    """The model of a cell, as a library's own loop is given it."""

    def as_lm(self, batch_size: int) -> tuple[Any, bool]:
        """(lm-eval's `LM`, whether it takes nothing but chat messages)."""
        ...


class OwnLoop(TaskSuite):
    """A suite that a library asks, as that library does: the run's temperature and repeats are not for it. One prompt an
    item. `grade` reads the replies that `ask` gives, not any text."""

    def ask(self, model: LibraryModel, items: Sequence[str], batch_size: int) -> Iterator[dict[str, Reply]]:
        """Replies by item id, some items at a time; each lot is stored before the next is asked for."""
        raise NotImplementedError

    def needs_likelihood(self) -> bool:
        """Whether the library has given text scored, which not every backend can do."""
        raise NotImplementedError
