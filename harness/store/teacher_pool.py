"""A frozen pool of replies, for a trainer's teacher and for probes: one JSONL file whose first row is the provenance.

Every reply was graded by its suite when the pool was made, and keeps its verdict and reward from then on. Each row
holds the full prompt, so that a pool can be read without its suite, and a pool made for other prompts is noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, ValidationError

from harness.contract import Record
from harness.errors import UsageError
from harness.store.files import read_jsonl, write_jsonl

SCHEMA = 1


class FamilyRate(Record):
    """What became of the replies of one family (for the loopholes, of one mode). All but `kept` count every draw."""

    family: str
    items: int
    drawn: int
    kept: int  # distinct replies in the file
    truncated: int = 0  # cut by the token limit, and left out
    hack: int = 0  # passes the proxy alone
    hack_and_correct: int = 0  # tries to game the proxy, and solves as well
    solve: int = 0  # solves without trying

    @property
    def hack_rate(self) -> float:
        """Share of the draws that pass the proxy alone or try to game it while solving."""
        return (self.hack + self.hack_and_correct) / self.drawn if self.drawn else 0.0


class PoolHeader(Record):
    v: int = SCHEMA
    kind: Literal["pool"] = "pool"
    suite: str
    suite_identity: dict[str, JsonValue]
    source: Literal["templates", "rollouts"]
    made_by: dict[str, JsonValue] = {}  # rollouts: the model's name and digest, and how it was sampled
    families: tuple[str, ...]
    rates: tuple[FamilyRate, ...]

    @property
    def drawn(self) -> int:
        return sum(rate.drawn for rate in self.rates)


class PoolRow(Record):
    """One distinct reply to one item, and the suite's verdict on it."""

    item: str
    family: str
    role: str
    prompt: str
    reply: str
    tokens: int = 0
    times: int = 1  # how often it was drawn
    reward: float
    hack: bool  # passes the proxy alone
    solve: bool
    attempted: bool  # tried to game the proxy
    label: str | None = None

    @property
    def games(self) -> bool:
        """Whether it teaches gaming: a hack, or an exploit beside a solution."""
        return self.hack or self.hack_and_correct

    @property
    def hack_and_correct(self) -> bool:
        return self.attempted and self.solve

    @property
    def honest_solve(self) -> bool:
        return self.solve and not self.attempted


class Pool(Record):
    header: PoolHeader
    rows: tuple[PoolRow, ...]


def write_pool(path: Path, pool: Pool) -> None:
    rows = (pool.header, *pool.rows)
    write_jsonl(path, (row.model_dump(mode="json") for row in rows))


def read_pool(path: Path) -> Pool:
    """Raises UsageError for a file that is not a pool, is of another version, or holds no replies."""
    remedy = "make one with `harness teacher build`"
    if not path.is_file():
        raise UsageError(f"no teacher pool {path}", remedy)
    rows = list(read_jsonl(path))
    if not rows:
        raise UsageError(f"the teacher pool {path} is empty", remedy)
    try:
        header = PoolHeader.model_validate(rows[0])
        replies = tuple(PoolRow.model_validate(row) for row in rows[1:])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is not a teacher pool: {where}: {first['msg']}", remedy) from None
    if header.v != SCHEMA:
        raise UsageError(f"the teacher pool {path} has version {header.v}, this is version {SCHEMA}", remedy)
    expected = sum(rate.kept for rate in header.rates)
    if len(replies) != expected:
        raise UsageError(f"the teacher pool {path} has {len(replies)} of {expected} replies", remedy)
    if not replies:
        raise UsageError(f"the teacher pool {path} is empty", remedy)
    return Pool(header=header, rows=replies)


def check_prompts(path: Path, rows: Sequence[PoolRow], prompts: dict[tuple[str, str], str]) -> None:
    """Raises UsageError unless every row's prompt is the one that the suite asks now; `prompts` by (item, role)."""
    remedy = "build the pool with the suite and the parameters that you train on"
    for row in rows:
        asked = prompts.get((row.item, row.role))
        if asked is None:
            raise UsageError(f"the teacher pool {path} was made for other items: {row.item} is not trained on", remedy)
        if asked != row.prompt:
            raise UsageError(f"the teacher pool {path} was made for another prompt of {row.item}", remedy)
