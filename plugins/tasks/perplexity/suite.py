"""Score a text piece by piece. Bits per byte compare across tokenizers, nats per token within one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from harness import Check, Item, Prompt, Reply, Scores, SelfCheck, TaskSuite
from harness.errors import UsageError
from harness_plugins.tasks.perplexity.spec import PerplexityParams
from harness_plugins.tasks.text_pieces import pieces_of

ROLE = "text"


class Perplexity(TaskSuite):
    params: PerplexityParams

    @cached_property
    def pieces(self) -> list[str]:
        if self.params.text is None:
            raise UsageError("perplexity needs a text", "--tasks perplexity:FILE")
        return pieces_of(self.params.text, self.params.characters, self.params.items)

    def items(self) -> Sequence[Item]:
        return [
            Item(
                id=f"piece{number:04}", family="text", cluster=f"piece{number:04}", data={"bytes": len(piece.encode())}
            )
            for number, piece in enumerate(self.pieces)
        ]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        return [Prompt(role=ROLE, text="", target=self.pieces[int(item.id.removeprefix("piece"))])]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Scores:
        reply = replies[ROLE]
        if reply.log_likelihood is None:
            raise ValueError("the reply carries no log-likelihood")
        nats = -reply.log_likelihood
        size = item.data["bytes"]
        assert isinstance(size, int)
        return Scores(values={"nats_per_token": nats / reply.tokens, "bits_per_byte": nats / math.log(2) / size})

    def self_check(self) -> SelfCheck:
        """A uniform guess over 256 tokens of one byte each costs 8 bits a byte."""
        item = Item(id="piece0000", family="text", cluster="piece0000", data={"bytes": 10})
        scores = self.grade(item, {ROLE: Reply(text="", tokens=10, log_likelihood=-10 * math.log(256))})
        found = f"{scores.values['bits_per_byte']:.6f}"
        return SelfCheck(checks=(Check(name="uniform bytes", expected="8.000000", got=found),))
