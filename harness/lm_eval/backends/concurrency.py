"""Several questions on their way at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Answer = TypeVar("Answer")


def run_concurrently(jobs: Sequence[Callable[[], Answer]], concurrent: int) -> Generator[Answer, None, None]:
    """What the jobs return, `concurrent` at a time, in the order in which they end. The first that raises ends it; jobs that
    have not begun by then are dropped, and so are they when the caller closes the generator."""
    if concurrent == 1:
        for job in jobs:
            yield job()
        return
    pool = ThreadPoolExecutor(concurrent)
    try:
        for future in as_completed([pool.submit(job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
