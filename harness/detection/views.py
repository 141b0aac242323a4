"""What a detector may see of one reply, for any suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from harness.contract import Inspectable, Item, Reply, TaskSuite, View, by_id


def make_view(suite: TaskSuite, item: Item, replies: Mapping[str, Reply], group: str = "") -> View:
    """Prompts and replies by role, and what the suite adds to them if it is `Inspectable`."""
    return View(
        item=item.id,
        family=item.family,
        prompts={prompt.role: prompt.text for prompt in suite.prompts(item)},
        replies=dict(replies),
        group=group,
        data=suite.view_data(item, replies) if isinstance(suite, Inspectable) else {},
    )


def references(suite: TaskSuite, items: Iterable[Item]) -> Callable[[View], str | None]:
    """Looks up the source of a program that solves the item of a view; None where the suite has none."""
    if not isinstance(suite, Inspectable):
        return lambda view: None
    known = by_id(items)
    return lambda view: suite.reference(known[view.item])
