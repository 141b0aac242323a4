"""The suite: goals with their prompts, fidelity as the proxy, what the command does as the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pydantic import JsonValue

from harness import Item, Outcome, Prompt, Reply, SelfCheck, Trainable
from harness_plugins.tasks.inversion import asking, grammar, trust
from harness_plugins.tasks.inversion.command import command_of, first_line
from harness_plugins.tasks.inversion.executing import Result, run
from harness_plugins.tasks.inversion.fidelity import fidelity
from harness_plugins.tasks.inversion.goals.catalogue import as_data, from_data, goals, name_of, trees_of
from harness_plugins.tasks.inversion.goals.template import Goal, Split
from harness_plugins.tasks.inversion.grammar import Reading
from harness_plugins.tasks.inversion.measures import compression, leak, surprise
from harness_plugins.tasks.inversion.self_check import self_check
from harness_plugins.tasks.inversion.spec import InversionParams
from harness_plugins.tasks.programs.worker import shared_sandbox

KEPT = 4096  # results of commands that a trainer may ask about again
NOTHING = Reply(text="")


@dataclass(frozen=True)
class Done:
    """What a command comes to: whether it does the task, and whether it runs and prints something. Of a tool that is never run
    both are what the grammar says."""

    works: bool
    ran: bool
    output: str = ""


class InversionSuite(Trainable):
    params: InversionParams

    def items(self) -> Sequence[Item]:
        return self._items("test", self.params.items)

    def training_items(self) -> Sequence[Item]:
        """Goals whose values no goal of `items()` has; the templates are the same."""
        return self._items("train", self.params.training)

    def prompts(self, item: Item) -> Sequence[Prompt]:
        return [*asking.prompts(from_data(item.data), self.params), *trust.prompts(twins_of(item))]

    def quoted(self, item: Item, role: str, reply: str) -> str:
        """Of a command or a task only its line, so that nobody reads the task back from an explanation beside it."""
        return command_of(reply) if role == asking.COMMAND else first_line(reply)

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome:
        goal = from_data(item.data)
        command = command_of(replies.get(asking.COMMAND, NOTHING).text)
        inversion, rating = (replies.get(role, NOTHING).text for role in (asking.INVERSION, asking.RATING))
        read = grammar.read(command)
        done = self.done(goal, command, read)
        faithful = fidelity(goal.text, inversion, rating)
        measures = {
            "fidelity": faithful,
            "valid": float(read.valid),
            "executed": float(done.ran),
            "unknown": read.unknown_share,
            "contradictory": float(read.contradictory),
            "repeated": float(read.repeated),
            "leak": leak(goal.text, command),
            "surprise": surprise(command),
            "compression": compression(command),
        }
        parsed: dict[str, JsonValue] = {
            "command": command,
            "reference": goal.command,
            "inversion": first_line(inversion),
            "rating": first_line(rating),
            "tools": [*read.tools],
            "output": done.output,
        }
        outcome = Outcome(proxy=faithful >= self.params.accept, truth=done.works, measures=measures, parsed=parsed)
        return outcome if self.params.proxy == "fidelity" else self._with_said(item, replies, read, outcome)

    def _with_said(self, item: Item, replies: Mapping[str, Reply], read: Reading, outcome: Outcome) -> Outcome:
        """With which tool the model says that it would use, beside fidelity or in its place."""
        matched = twins_of(item)
        said = trust.read(matched, replies)
        measures = {**outcome.measures, "uses": float(read.tools[:1] == [item.family])}
        parsed = {**outcome.parsed, "says": said.prefers if said else "no likelihoods"}
        if said:
            measures |= {"margin": said.margin, "trust": float(read.tools[:1] == [said.prefers])}
        knows = said is not None and said.knows
        if self.params.proxy == "both":
            measures |= {"readable": float(outcome.proxy), "says": float(knows)}
            return outcome.model_copy(update={"measures": measures, "parsed": parsed})
        del measures["fidelity"]
        return outcome.model_copy(update={"proxy": knows, "measures": measures, "parsed": parsed})

    def done(self, goal: Goal, command: str, read: Reading) -> Done:
        """What a command does about a goal. Of what is not executed: whether it says what the reference says. Flags that
        contradict each other are wrong whatever comes of them."""
        if goal.executed:
            found = self._executed(goal, command)
            return replace(found, works=found.works and read.valid)
        return Done(read.valid and read.means == grammar.read(goal.command).means, read.valid)

    def self_check(self) -> SelfCheck:
        """Fidelity's at the published threshold, whatever this suite's proxy and threshold are, and the choice's."""
        published = {"proxy": "fidelity", "accept": InversionParams.model_fields["accept"].default}
        return self_check(InversionSuite(self.params.model_copy(update=published)))

    def _executed(self, goal: Goal, command: str) -> Done:
        key = name_of(goal), command
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = self._execute(goal, command)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, str], Done]:
        """A trainer asks about one command many times."""
        return {}

    def _execute(self, goal: Goal, command: str) -> Done:
        trees = trees_of(goal)
        results = run(shared_sandbox(self.params.sandbox), command, trees)
        right = [goal.is_met(one.output, goal.expected(tree)) for one, tree in zip(results, trees, strict=False)]
        ran = len(results) == len(trees) and all(one.status == 0 and one.output for one in results)
        return Done(ran and all(right), ran, shown(results))

    def _items(self, split: Split, each: int) -> list[Item]:
        found = goals(self.params.kinds, each, split)
        sets = [[goal] for goal in found] if self.params.proxy == "fidelity" else trust.sets_of(found)
        return [item_of(goal, twins) for goal, *twins in sets]


def item_of(goal: Goal, twins: Sequence[Goal] = ()) -> Item:
    """`twins` are the goals that it stands with where a model is asked which tool it would use."""
    data = as_data(goal) | ({"twins": [as_data(twin) for twin in twins]} if twins else {})
    return Item(id=name_of(goal), family=goal.tool, cluster=goal.template.name, data=data)


def twins_of(item: Item) -> list[Goal]:
    """The item's goal and its twins; none for an item without."""
    twins = item.data.get("twins")
    if not isinstance(twins, list):
        return []
    return [from_data(item.data), *(from_data(twin) for twin in twins if isinstance(twin, dict))]


def shown(results: Sequence[Result]) -> str:
    """What the page shows beside a verdict: the output on the first tree, or the complaint."""
    return (results[0].output or results[0].complaint)[:400] if results else "it did not end"
