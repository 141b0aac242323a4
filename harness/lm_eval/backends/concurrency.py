"""Several questions in flight at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Answer = TypeVar("Answer")


def run_concurrently(jobs: Sequence[Callable[[], Answer]], concurrent: int) -> Generator[Answer, None, None]:
    """Run jobs, `concurrent` at a time, and yield their results as they finish. The first exception ends it. Jobs that
    have not begun by then are dropped, as they are when the caller closes the generator."""
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
