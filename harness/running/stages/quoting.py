"""Prompts that quote replies wait for them: a cell's questions in waves, each quoting only what the waves before it got."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.contract import Item, Prompt, TaskSuite, by_id
from harness.store.run import SampleRow

QuestionKey = tuple[str, str, int]  # item, role, repeat
Question = tuple[QuestionKey, Prompt]
Rows = Mapping[QuestionKey, SampleRow]


def waves(asked: Sequence[Question]) -> list[list[Question]]:
    """By how many replies deep they quote: one wave where none quotes any. Within an item a prompt quotes prompts before
    it."""
    depths: dict[QuestionKey, int] = {}
    found: dict[int, list[Question]] = defaultdict(list)
    for (item, role, repeat), prompt in asked:
        depth = max((1 + depths[item, quoted, repeat] for quoted in prompt.quotes), default=0)
        depths[item, role, repeat] = depth
        found[depth].append(((item, role, repeat), prompt))
    return [found[depth] for depth in sorted(found)]


def filled(
    suite: TaskSuite, items: Callable[[], Iterable[Item]], wave: Sequence[Question], rows: Rows
) -> tuple[list[Question], list[SampleRow]]:
    """A wave with the replies that it quotes in their places, and rows that say why for those whose replies failed. `items`
    is called, and the suite asked, only where something is quoted: then its code is in the replies' key."""
    if not any(prompt.quotes for _, prompt in wave):
        return list(wave), []
    known = by_id(items())
    ready: list[Question] = []
    failed: list[SampleRow] = []
    for (item, role, repeat), prompt in wave:
        found = {quoted: row.reply for quoted in prompt.quotes if (row := rows.get((item, quoted, repeat)))}
        texts = {quoted: suite.quoted(known[item], quoted, reply.text) for quoted, reply in found.items() if reply}
        if missing := set(prompt.quotes) - texts.keys():
            cause = f"there is no reply to {min(missing)!r}, which it quotes"
            failed.append(SampleRow(item=item, role=role, repeat=repeat, error=cause))
        else:
            ready.append(((item, role, repeat), prompt.quoting(texts)))
    return ready, failed
