"""Score a text piece by piece. Bits per byte compare across tokenizers, nats per token within one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from harness import Check, Item, Prompt, Reply, Scores, SelfCheck, TaskSuite
from harness.errors import UsageError
from harness_plugins.tasks.perplexity.spec import PerplexityParams

ROLE = "text"


class Perplexity(TaskSuite):
    params: PerplexityParams

    @cached_property
    def pieces(self) -> list[str]:
        path = self.params.text
        if path is None:
            raise UsageError("perplexity needs a text", "--tasks perplexity:FILE")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the text {path}: {error}") from None
        pieces = cut(text, self.params.characters)
        if not pieces:
            raise UsageError(f"the text {path} is empty")
        step = max(1.0, len(pieces) / self.params.items)
        return [pieces[int(number * step)] for number in range(min(self.params.items, len(pieces)))]

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


def cut(text: str, characters: int) -> list[str]:
    """Pieces of at most `characters`, each ending at its last white space where it has one in its second half."""
    pieces = []
    start = 0
    while start < len(text):
        end = min(start + characters, len(text))
        if end < len(text):
            space = max(text.rfind(" ", start, end), text.rfind("\n", start, end)) + 1
            end = space if space > start + characters // 2 else end
        pieces.append(text[start:end])
        start = end
    return [piece for piece in pieces if piece.strip()]
