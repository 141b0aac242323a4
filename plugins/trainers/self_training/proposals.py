"""What the policy proposes for every item, with what is asked about it and the verdict on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.contract import Item, Outcome, Reply, Trainable
from harness.contract.trainable import leading_prompt
from harness.errors import StageError, UsageError
from harness.models.generate import Generator, Request
from harness.models.sampling import Sampling
from harness.models.stream import stream
from harness.planning.questions import prompts_of
from harness.running.stages.quoting import Question, filled, waves
from harness.store.run import SampleRow

NOISE = "train"  # beside seed, item, role and turn in the key of a request's noise


@dataclass(frozen=True)
class Proposal:
    """A reply to an item's leading prompt. `quoted` is what other prompts were shown of it."""

    item: Item
    reply: Reply
    quoted: str
    outcome: Outcome

    @property
    def graded(self) -> float:
        """How well the proxy likes it: fidelity where the suite measures it."""
        return self.outcome.measures.get("fidelity", float(self.outcome.proxy))


@dataclass(frozen=True)
class Asking:
    """Who proposes and who is asked about it, and how."""

    policy: Generator
    inverter: Generator
    proposing: Sampling
    inverting: Sampling
    batch: int


def propose(
    suite: Trainable, items: Sequence[Item], asking: Asking, each: int, seed: int, cycle: int
) -> list[Proposal]:
    """`each` proposals of every item. Their noise belongs to (seed, item, role, cycle, place), so that arms of one seed differ
    by their policies alone. Raises StageError where a prompt cannot be answered."""
    turns = range(cycle * each, (cycle + 1) * each)
    asked = [
        ((item.id, prompt.role, turn), prompt) for item in items for prompt in prompts_of(suite, item) for turn in turns
    ]
    rows: dict[tuple[str, str, int], SampleRow] = {}
    for depth, wave in enumerate(waves(asked)):
        generator, sampling = (asking.inverter, asking.inverting) if depth else (asking.policy, asking.proposing)
        ready, _ = filled(suite, lambda: items, wave, rows)
        rows |= _answers(generator, ready, sampling, seed, asking.batch)
    replies: dict[tuple[str, int], dict[str, Reply]] = defaultdict(dict)
    for (item_id, role, turn), row in rows.items():
        assert row.reply is not None
        replies[item_id, turn][role] = row.reply
    known: dict[tuple[str, ...], Outcome] = {}  # a sharp policy says the same thing several times
    found = []
    for item in items:
        role = leading_prompt(suite, item).role
        for turn in turns:
            said = replies[item.id, turn]
            key = (item.id, *(said[name].text for name in sorted(said)))
            if key not in known:
                known[key] = _verdict(suite, item, said)
            found.append(Proposal(item, said[role], suite.quoted(item, role, said[role].text), known[key]))
    return found


def _answers(
    generator: Generator, asked: Sequence[Question], sampling: Sampling, seed: int, batch: int
) -> dict[tuple[str, str, int], SampleRow]:
    requests = [Request(item=item, repeat=turn, prompt=prompt) for (item, _, turn), prompt in asked]
    rows = {}
    for lot in stream(generator, requests, seed, NOISE, sampling, batch):
        for request, reply, error, _ in lot.answers:
            if error:
                raise StageError(f"no reply to {request.role} of {request.item}: {error}")
            name = (request.item, request.role, request.repeat)
            rows[name] = SampleRow(item=name[0], role=name[1], repeat=name[2], reply=reply)
    return rows


def _verdict(suite: Trainable, item: Item, replies: Mapping[str, Reply]) -> Outcome:
    outcome = suite.grade(item, replies)
    if not isinstance(outcome, Outcome):
        raise UsageError("trainers and teachers need a suite with a proxy and a truth", "choose another suite")
    return outcome
