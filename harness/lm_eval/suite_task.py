"""A harness suite as an lm-eval task: all prompts of an item are requests of one document, graded by the suite. A prompt that
is answered is one request; one whose target or choices are scored is a request for each of them, as in multiple choice.

Metrics are the suite's rates. Each document contributes (in numerator, in denominator), and the aggregate is their quotient, so
that a conditional rate such as DBDK is pooled over items and never averaged over families.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import datasets

from harness.contract import Axes, Outcome, Prompt, Reply, TaskSuite, TaskSuiteSpec, by_id
from harness.errors import UsageError
from harness.lm_eval.library import ConfigurableTask, Instance
from harness.lm_eval.rates import RatioTerm, quotient, ratio_term
from harness.registry.catalogue import load_catalogue
from harness.registry.component import Component, build
from harness.registry.plugins import load_plugins


class SuiteTask(ConfigurableTask):
    """Reads its suite from `metadata.component`. Every prompt is asked greedily, in its own context."""

    OUTPUT_TYPE = "generate_until"

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        given = {key: value for key, value in (config or {}).items() if key != "class"}
        component = Component.model_validate_json(given["metadata"]["component"])
        catalogue = load_catalogue(load_plugins())
        spec, _ = catalogue.spec("tasks", component.plugin)
        assert isinstance(spec, TaskSuiteSpec)
        axes = spec.axes_under(component.params)
        assert axes is not None
        self.axes: Axes = axes
        self.suite: TaskSuite = build(component, spec)
        self.items = by_id(self.suite.items())
        if any(prompt.quotes for item in self.items.values() for prompt in self.suite.prompts(item)):
            raise UsageError(
                f"{component.label} asks about replies, and lm-eval asks no such thing", "use `harness run`"
            )
        fixed = {
            "dataset_path": "harness",
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{id}}",
            "doc_to_target": "",
            "metric_list": [],
            "generation_kwargs": {"until": [], "do_sample": False},
        }
        super().__init__(config={**fixed, **given})

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: Any) -> None:
        """The documents are the suite's items; nothing is fetched."""
        rows = [
            {"id": item.id, "roles": [p.role for p in prompts], "prompts": [p.text for p in prompts]}
            for item in self.items.values()
            for prompts in [self.suite.prompts(item)]
        ]
        self.dataset = datasets.DatasetDict({"test": datasets.Dataset.from_list(rows)})

    def construct_requests(self, doc: dict[str, Any], ctx: Any, **options: Any) -> list[Instance]:
        template: Callable | None = options.pop("chat_template", None)
        chat = options.pop("apply_chat_template", False)
        asked: list[tuple[str, tuple[str, str | dict[str, Any]]]] = []
        for prompt in self.suite.prompts(self.items[doc["id"]]):
            wrapped = chat and template is not None and (prompt.text or not prompt.scored)
            text = template([{"role": "user", "content": prompt.text}]) if wrapped and template else prompt.text
            if prompt.scored:
                asked += [("loglikelihood", (text, continuation)) for continuation in prompt.continuations]
                continue
            limits = {
                "until": list(prompt.stop),
                "max_gen_toks": prompt.max_tokens,
                "do_sample": False,
                "temperature": 0.0,
            }
            asked.append(("generate_until", (text, limits)))
        return [Instance(kind, doc, arguments, idx=n, **options) for n, (kind, arguments) in enumerate(asked)]

    def process_results(self, doc: dict[str, Any], results: Sequence[Any]) -> dict[str, RatioTerm]:
        item, found = self.items[doc["id"]], iter(results)
        replies = {prompt.role: _reply(prompt, found) for prompt in self.suite.prompts(item)}
        outcome = self.suite.grade(item, replies)
        assert isinstance(outcome, Outcome)
        return {rate.name: ratio_term(rate, outcome) for rate in self.axes.rates}

    def aggregation(self) -> dict[str, Callable[[Sequence[RatioTerm]], float]]:
        return {rate.name: quotient for rate in self.axes.rates}

    def higher_is_better(self) -> dict[str, bool]:
        return {rate.name: rate.better == "high" for rate in self.axes.rates}


def _reply(prompt: Prompt, found: Iterator[Any]) -> Reply:
    """Takes what lm-eval found for this prompt: a text, or (log-likelihood, is it what greedy decoding gives) for each
    continuation."""
    if not prompt.scored:
        return Reply(text=next(found))
    likelihoods = tuple(float(next(found)[0]) for _ in prompt.continuations)
    if prompt.choices:
        return Reply(text="", choice_log_likelihoods=likelihoods)
    return Reply(text="", log_likelihood=likelihoods[0])
