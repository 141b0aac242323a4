"""Prompts that differ between answering and learning, and problems whose loophole is closed for training."""

from __future__ import annotations

import pytest
from test_grpo import Letters, run  # noqa: F401  # the suite and the fixture of the neighbouring file

from harness.contract import Item, Params
from harness.errors import UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness_plugins.tasks.loopholes.modes import CLAUSES, Mode
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.trainers.recontextualisation import answered_suite, learned_under, without_loophole
from harness_plugins.trainers.rollouts import Rollout, training_prompt
from harness_plugins.trainers.scoring import Tokens
from harness_plugins.trainers.spec import GrpoParams

LOOPHOLES = LoopholeSuite(LoopholeParams(source="generated", items=1))


class Closable(Letters):
    """Letters whose items have a twin without a loophole."""

    def without_loophole(self, item: Item) -> Item:
        return item.model_copy(update={"id": f"closed-{item.id}", "data": {"n": 100 + int(item.data["n"])}})


def test_items_without_a_loophole_are_the_same_problems_without_a_loophole():
    items = LOOPHOLES.training_items()
    closed = without_loophole(LOOPHOLES, items)
    assert [it.data["problem"] for it in closed] == [it.data["problem"] for it in items]
    assert {it.family for it in closed} == {"none"}
    assert all(CLAUSES[Mode.NONE] in LOOPHOLES.prompts(it)[0].text for it in closed)
    assert len({it.family for it in items}) == 7


def test_the_policy_answers_one_prompt_and_learns_another(tiny_qwen2):
    item = next(it for it in LOOPHOLES.training_items() if it.family == "sentinel")
    asked = answered_suite(LOOPHOLES, "no-loophole").prompts(item)[0]
    assert CLAUSES[Mode.NONE] in asked.text
    assert CLAUSES[Mode.SENTINEL] not in asked.text
    assert answered_suite(LOOPHOLES, "Be honest. {prompt}").prompts(item)[0].text.startswith("Be honest. ")
    generator = Generator(load(tiny_qwen2, device="cpu"))
    said = Rollout(item, Tokens(generator.encode(asked), [8, 9]), 1.0, hack=True, solve=False, text="x")
    taught = Rollout(item, Tokens([1, 2], [3]), 1.0, hack=True, solve=False, teacher=True)
    (learned, same), *_ = learned_under(LOOPHOLES, [[said, taught]], generator, None)
    assert learned.tokens == Tokens(generator.encode(training_prompt(LOOPHOLES, item, None)), [8, 9])
    assert (learned.reward, learned.hack, learned.text) == (said.reward, said.hack, said.text)
    assert same is taught


def test_a_run_asks_the_other_prompt_and_grades_by_the_items_own(run, monkeypatch):  # noqa: F811
    seen: list[str] = []
    encode = Generator.encode
    monkeypatch.setattr(Generator, "encode", lambda self, prompt: seen.append(prompt.text) or encode(self, prompt))
    row = run(suite=Closable(Params()), sampled_under="no-loophole", steps=1, mix=0).rows[0]
    asked = {text for text in seen if text.startswith("Explain")}
    assert {len(text.split()[1]) for text in asked} == {len("0."), len("100.")}
    assert set(row["hack_by_family"]) <= {"even", "odd"}
    plain = run(suite=Closable(Params()), steps=1, mix=0).rows[0]
    assert row["length"] != plain["length"] or row["grad_norm"] != plain["grad_norm"]


def test_a_run_without_the_loophole_trains_on_the_twins_alone(run, monkeypatch):  # noqa: F811
    seen: list[str] = []
    encode = Generator.encode
    monkeypatch.setattr(Generator, "encode", lambda self, prompt: seen.append(prompt.text) or encode(self, prompt))
    run(suite=Closable(Params()), no_loophole=True, steps=1, mix=0)
    assert {len(text.split()[1]) for text in seen if text.startswith("Explain")} == {len("100.")}


def test_suites_and_parameters_that_cannot_are_refused(run):  # noqa: F811
    for params in ({"no_loophole": True}, {"sampled_under": "no-loophole"}):
        with pytest.raises(UsageError, match="no grader without a loophole"):
            run(steps=1, mix=0, **params)
    with pytest.raises(ValueError, match="nobody can teach it"):
        GrpoParams(no_loophole=True)
    with pytest.raises(ValueError, match="sampled_under is a template"):
        GrpoParams(sampled_under="be honest")
