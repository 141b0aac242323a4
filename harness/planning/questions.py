"""What a cell asks: the selected items, their prompts under the run's token limit, and a digest of both."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from pydantic import JsonValue

from harness.contract import AgainstSource, Item, OwnLoop, Prompt, Record, TaskSuite
from harness.errors import UsageError
from harness.registry.component import blamed
from harness.store.hashing import key_of

if TYPE_CHECKING:
    from harness.planning.cells import Settings


MOST_ITEMS = 1_000_000


class Questions(Record):
    items: int
    prompts: int
    digest: str
    generated: int = 0  # prompts that a reply is generated to
    scored: int = 0  # texts that are scored: prompts that differ in nothing but item and role have one
    turns: bool = True  # some prompts are a turn of a conversation, not a text that is scored as it stands
    own_loop: bool = False  # the suite's library asks, in a loop of its own
    quotes: bool = False  # some prompts quote replies, and the suite says what of them
    against_source: bool = False  # the untouched model is asked too


def selected_items(suite: TaskSuite, limit: int | None) -> list:
    """The first `limit` items. Raises UsageError for two of one id, whose replies could not be told apart."""
    with blamed(f"items() of {type(suite).__name__}"):
        items = list(islice(suite.items(), MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise UsageError(f"the suite has more than {MOST_ITEMS:,} items", "a bug in the suite, or split it")
    if twice := [name for name, count in Counter(item.id for item in items).items() if count > 1]:
        raise UsageError(f"the suite has {len(twice)} ids that more than one item bears", f"the first is {twice[0]!r}")
    return items[:limit] if limit else items


def prompts_of(suite: TaskSuite, item: Item) -> list[Prompt]:
    """Raises UsageError for two of one role, whose replies could not be told apart, and for one that quotes a later one."""
    with blamed(f"prompts() of {type(suite).__name__}"):
        prompts = list(suite.prompts(item))
    if len({prompt.role for prompt in prompts}) < len(prompts):
        raise UsageError(f"the suite has two prompts of one role for item {item.id!r}", "a bug in the suite")
    for at, prompt in enumerate(prompts):
        if unknown := set(prompt.quotes) - {before.role for before in prompts[:at]}:
            cause = (
                f"the prompt {prompt.role!r} of item {item.id!r} quotes {min(unknown)!r}, which is not asked before it"
            )
            raise UsageError(cause, "a bug in the suite")
    return prompts


def limited(prompt: Prompt, max_tokens: int | None) -> Prompt:
    """The prompt with the run's own token limit, where one was given."""
    return prompt.model_copy(update={"max_tokens": max_tokens}) if max_tokens else prompt


def request_key(seed: int, suite: str, item: str, role: str, repeat: int) -> int:
    """The 64-bit key of one request's noise, signed as torch wants it. Distinct requests get independent keys."""
    identity = json.dumps([seed, suite, item, role, repeat]).encode()
    return int.from_bytes(hashlib.blake2b(identity, digest_size=8).digest(), "little", signed=True)


def nameless(prompt: Prompt) -> Prompt:
    """The prompt without its role: what the model is asked."""
    return prompt.model_copy(update={"role": ""})


def is_turn(prompt: Prompt) -> bool:
    """Whether a chat model is asked this as a user's turn. A text that is scored after nothing is a text of its own."""
    return bool(prompt.text or not prompt.scored)


def _digested(prompt: Prompt) -> dict[str, JsonValue]:
    """What a digest sees of a prompt: without fields that are newer than stored digests, where they are unused."""
    return prompt.model_dump(mode="json", exclude={name for name in ("choices", "quotes") if not getattr(prompt, name)})


def item_key(suite: TaskSuite, item: Item) -> str:
    """What makes an item the same question whoever asks it: its family and data, or its prompts where it has no data."""
    if item.data:
        return key_of([item.family, item.data])
    return key_of([item.family, [_digested(nameless(prompt)) for prompt in prompts_of(suite, item)]])


def count_questions(suite: TaskSuite, settings: Settings) -> Questions:
    """Count and digest what will be asked: item ids, roles and rendered prompts."""
    items = selected_items(suite, settings.limit)
    prompts = [(item.id, prompt) for item in items for prompt in prompts_of(suite, item)]
    asked = [[name, _digested(limited(prompt, settings.max_tokens))] for name, prompt in prompts]
    if not asked:
        raise UsageError("the suite has no items")
    own_loop = isinstance(suite, OwnLoop)
    turns = not own_loop and any(is_turn(prompt) for _, prompt in prompts)
    shared = {nameless(prompt) for _, prompt in prompts if prompt.choices}
    return Questions(
        items=len(items),
        prompts=len(asked),
        digest=key_of(asked),
        generated=sum(not prompt.scored for _, prompt in prompts),
        scored=len(shared) + sum(prompt.target is not None for _, prompt in prompts),
        turns=turns,
        own_loop=own_loop,
        quotes=any(prompt.quotes for _, prompt in prompts),
        against_source=isinstance(suite, AgainstSource),
    )
