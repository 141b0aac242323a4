"""lm-eval's own loop asks and scores; the harness keeps every document's scores, pairs them and reports them.

A document is an item. Its "prompt" is the document itself, so that a changed data set is another sample key; its "reply"
is what lm-eval found, as JSON: the metrics of the document and the filtered responses. lm-eval's response cache is never
used: its key lacks the model.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from harness import Check, Item, LibraryModel, OwnLoop, Prompt, Reply, Scores, SelfCheck
from harness.errors import UsageError, described
from harness_plugins.tasks.lm_eval.spec import LmEvalParams

ROLE = "document"
CHUNK = 64  # documents between two writes to the store


class LmEvalSuite(OwnLoop):
    params: LmEvalParams

    @cached_property
    def loaded(self) -> dict[str, Any]:
        """What lm-eval's TaskManager makes of the name. Raises UsageError naming a task that cannot be had."""
        name, include = self.params.task, self.params.include_path
        if not name:
            raise UsageError("lm-eval needs a task", "--tasks lm-eval/TASK")
        if include is not None and not include.is_dir():
            raise UsageError(f"no folder {include} with lm-eval tasks")
        from harness.lm_eval.library import TaskManager

        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        try:
            own = TaskManager(include_path=str(include), include_defaults=False) if include else None
            manager = (
                own if own and name in own.all_tasks else TaskManager(include_path=str(include) if include else None)
            )
            if name not in manager.all_tasks:
                raise UsageError(f"lm-eval knows no task {name!r}", "lm_eval ls tasks")
            loaded = manager.load([name])
        except UsageError:
            raise
        except Exception as error:  # data-set loading raises whatever its libraries raise
            cause = described(error)[:200]
            offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
            raise UsageError(f"lm-eval task {name!r} cannot be loaded{offline}: {cause}") from None
        for task in loaded["tasks"].values():
            if getattr(task, "UNSAFE_CODE", False):
                raise UsageError(
                    f"lm-eval task {name!r} runs what models write without a sandbox", "use a suite that has one"
                )
            if self.params.num_fewshot is not None:
                task.set_config(key="num_fewshot", value=self.params.num_fewshot)
            task.set_fewshot_seed(seed=1234)  # as lm_eval's command does
        return loaded

    @cached_property
    def documents(self) -> dict[str, tuple[str, int, str]]:
        """item id -> (task, index, the document as JSON)."""
        found = {}
        for name, task in self.loaded["tasks"].items():
            for index, document in enumerate(task.eval_docs):
                if self.params.items is not None and index >= self.params.items:
                    break
                text = json.dumps(document, sort_keys=True, default=str)
                found[f"{name}/{index:05}"] = (name, index, text)
        return found

    def items(self) -> Sequence[Item]:
        return [Item(id=key, family=name, cluster=key) for key, (name, _, _) in self.documents.items()]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        return [Prompt(role=ROLE, text=self.documents[item.id][2])]

    def needs_likelihood(self) -> bool:
        return any(task.OUTPUT_TYPE != "generate_until" for task in self.loaded["tasks"].values())

    def ask(self, model: LibraryModel, items: Sequence[str], batch_size: int) -> Iterator[dict[str, Reply]]:
        from harness.lm_eval.library import evaluate

        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        lm, takes_messages = model.as_lm(batch_size)
        wanted = [(key, *self.documents[key][:2]) for key in items]
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            names = dict.fromkeys(task for _, task, _ in chunk)  # of a task without indices lm-eval asks every document
            indices = {name: [index for _, task, index in chunk if task == name] for name in names}
            results = evaluate(
                lm,
                {"tasks": {name: self.loaded["tasks"][name] for name in names}, "groups": {}},
                samples=indices,
                bootstrap_iters=0,
                log_samples=True,
                apply_chat_template=self.params.chat or takes_messages,
            )
            found: dict[str, dict[str, Any]] = {}
            for name, rows in results["samples"].items():
                for row in rows:
                    record = found.setdefault(f"{name}/{row['doc_id']:05}", {"metrics": {}, "responses": []})
                    record["metrics"] |= {f"{metric},{row['filter']}": row[metric] for metric in row["metrics"]}
                    record["responses"].append(row["filtered_resps"])
            yield {key: Reply(text=json.dumps(found[key], default=_plain)) for key, _, _ in chunk}

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Scores:
        record = json.loads(replies[ROLE].text)
        numbers = {name: value for name, value in record["metrics"].items() if isinstance(value, int | float)}
        others = {name: value for name, value in record["metrics"].items() if name not in numbers}
        shown = {"responses": record["responses"], **({"not a number": others} if others else {})}
        return Scores(values={name: float(value) for name, value in numbers.items()}, parsed=shown)

    def self_check(self) -> SelfCheck:
        """lm-eval grades; what is ours is to lose none of its numbers."""
        item = Item(id="task/00000", family="task", cluster="task/00000")
        reply = Reply(text=json.dumps({"metrics": {"acc,none": 1.0, "text,none": "x"}, "responses": []}))
        got = json.dumps(self.grade(item, {ROLE: reply}).values)
        return SelfCheck(checks=(Check(name="numbers are kept", expected='{"acc,none": 1.0}', got=got),))


def _plain(value: Any) -> Any:
    """A number of numpy or torch as Python's; anything else that JSON does not know as text."""
    return value.item() if hasattr(value, "item") else str(value)
