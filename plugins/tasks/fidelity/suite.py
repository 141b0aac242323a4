"""How far a model's predictions are from those of the untouched model, text by text. A text is the unit that intervals and
tests resample, since its tokens are not independent; quantiles of the divergence are of the tokens of all texts.

KL divergence, same top and log perplexity ratio are llama.cpp's; the overlap is the expected share of tokens that speculative
sampling would accept. Near the base (4 bits and up) the divergence does not order behaviour: it stands beside the suites that
ask for behaviour, never in their place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import fmean

from harness import AgainstSource, Check, Item, Prompt, Reply, Scores, SelfCheck, TokenFidelity
from harness_plugins.tasks.fidelity.spec import FidelityParams
from harness_plugins.tasks.goodhart.families import FAMILIES, draw_items
from harness_plugins.tasks.text_pieces import pieces_of

ROLE = "text"
Text = tuple[str, str]  # the user's turn, "" for none, and what is scored after it


class Fidelity(AgainstSource):
    params: FidelityParams

    @cached_property
    def texts(self) -> list[Text]:
        if self.params.text is not None:
            return [("", piece) for piece in pieces_of(self.params.text, self.params.characters, self.params.items)]
        each = math.ceil(self.params.items / len(FAMILIES))
        drawn = [(family, draw_items(family, each + 1, "eval", self.params.seed)[1:]) for family in FAMILIES.values()]
        turns = [
            (family.execution_prompt(*draws[place]), family.worked(draws[place].params))
            for place in range(each)
            for family, draws in drawn
        ]
        return turns[: self.params.items]

    def items(self) -> Sequence[Item]:
        names = [f"text{number:04}" for number in range(len(self.texts))]
        return [Item(id=name, family="text", cluster=name) for name in names]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        turn, target = self.texts[int(item.id.removeprefix("text"))]
        return [Prompt(role=ROLE, text=turn, target=target)]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Scores:
        """Nothing where the reply carries no comparison, and `parsed` says so."""
        found = replies[ROLE].fidelity
        if found is None or not found.kl:
            return Scores(values={}, parsed={"missing": "the comparison with the untouched model"})
        return Scores(values=summary(found), pooled={"KL_divergence": found.kl})

    def self_check(self) -> SelfCheck:
        """A fair coin against one of 1 : 3, by hand."""
        p, q = (0.5, 0.5), (0.25, 0.75)
        kl, reverse = _kl(p, q), _kl(q, p)
        found = summary(
            TokenFidelity(
                kl=(kl, kl),
                reverse_kl=(reverse, reverse),
                overlap=(0.75, 0.75),
                same_top=(True, False),
                source=(math.log(0.5), math.log(0.5)),
                model=(math.log(0.25), math.log(0.75)),
            )
        )
        expected = {
            "KL_divergence": f"{0.5 * math.log(4 / 3):.6f}",
            "same_top_token": "0.500000",
            "RMS_probability_change": "0.250000",
            "log_perplexity_ratio": f"{0.5 * math.log(4 / 3):.6f}",
        }
        return SelfCheck(
            checks=tuple(Check(name=name, expected=value, got=f"{found[name]:.6f}") for name, value in expected.items())
        )


def summary(found: TokenFidelity) -> dict[str, float]:
    """One text's tokens as numbers; nats."""
    changes = [math.exp(q) - math.exp(p) for p, q in zip(found.source, found.model, strict=True)]
    return {
        "KL_divergence": fmean(found.kl),
        "reverse_KL": fmean(found.reverse_kl),
        "same_top_token": fmean(found.same_top),
        "overlap": fmean(found.overlap),
        "RMS_probability_change": math.sqrt(fmean(change**2 for change in changes)),
        "log_perplexity_ratio": fmean(found.source) - fmean(found.model),
    }


def _kl(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
