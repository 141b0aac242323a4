"""Sequences of which those read last are in memory, the others in a file without a name: a report of a million samples holds
no more of them than one of a hundred thousand, and reads every one as it was collected."""

from __future__ import annotations

import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Generic, TypeVar, cast, overload

from harness.contract import Record
from harness.store.files import writing

MOST_HELD = 100_000  # values in memory: at most about 100 MB of samples with their verdicts
MOST_KNOWN = 10_000  # verdicts that others are compared with

T = TypeVar("T")
V = TypeVar("V", bound=Record)


class Alike:
    """Equal verdicts as one object: a million samples have few, which then take no room, nor time to write and read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[type[Record], str], Record] = {}

    def one(self, value: V) -> V:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        return cast(V, self._known.setdefault((type(value), value.model_dump_json()), value))


class Shelf(Generic[T]):
    """Takes sequences, and brings each back as often as it is asked for. The file goes with the process."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.most = most
        self._held: OrderedDict[int, tuple[T, ...]] = OrderedDict()  # the one read last is last
        self._size = 0  # values in it
        self._places: dict[int, int] = {}  # where in the file
        self._count = 0
        self._file: IO[bytes] | None = None

    def put(self, values: Sequence[T]) -> Sequence[T]:
        number = self._count
        self._count += 1
        self._hold(number, tuple(values))
        return _Shelved(self, number, len(values))

    def get(self, number: int) -> tuple[T, ...]:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        assert self._file is not None
        self._file.seek(self._places[number])
        values = pickle.load(self._file)
        self._hold(number, values)
        return values

    def _hold(self, number: int, values: tuple[T, ...]) -> None:
        self._held[number] = values
        self._size += len(values)
        while self._size > self.most and len(self._held) > 1:
            oldest, leaving = self._held.popitem(last=False)
            self._size -= len(leaving)
            if oldest not in self._places:
                self._places[oldest] = self._write(leaving)

    def _write(self, values: tuple[T, ...]) -> int:
        with writing(Path(tempfile.gettempdir())):
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="harness-report-")  # noqa: SIM115 (open as long as the shelf)
            place = self._file.seek(0, 2)
            pickle.dump(values, self._file, pickle.HIGHEST_PROTOCOL)
        return place


class _View(Sequence[T]):
    """Holds none of the values itself."""

    def _values(self) -> Sequence[T]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        return iter(self._values())

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._values()[index]


class _Shelved(_View[T]):
    """One of a shelf's sequences."""

    def __init__(self, shelf: Shelf[T], number: int, length: int) -> None:
        self.shelf, self.number, self.length = shelf, number, length

    def __len__(self) -> int:
        return self.length

    def _values(self) -> Sequence[T]:
        return self.shelf.get(self.number)


class Mapped(_View[T]):
    """Another sequence's values, each changed when it is read."""

    def __init__(self, values: Sequence[T], change: Callable[[T], T]) -> None:
        self.values, self.change = values, change

    def __len__(self) -> int:
        return len(self.values)

    def _values(self) -> Sequence[T]:
        return list(map(self.change, self.values))
