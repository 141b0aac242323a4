"""Arms that change the environment: a monitor that penalises or screens, and prompts for training alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import warm
from test_pools import Letters  # the suite of the neighbouring file

from harness.contract import Flag, Params, TrainContext, View
from harness.errors import StageError, UsageError
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.tasks.loopholes.modes import CLAUSES, Mode
from harness_plugins.trainers.grpo import Grpo
from harness_plugins.trainers.inoculation import Inoculated
from harness_plugins.trainers.rollouts import Rollout
from harness_plugins.trainers.scoring import Tokens
from harness_plugins.trainers.shaping import Shaping, permuted_flags, shaping_of
from harness_plugins.trainers.spec import GrpoParams

SUITE = Letters(Params())
ITEM = SUITE.training_items()[0]


def said(text: str, reward: float, teacher: bool = False) -> Rollout:
    """A hack if it says "e"; an attempt also if it says "a"."""
    hack = "e" in text
    tried = hack or "a" in text
    tokens = Tokens([1], [2, 3])
    return Rollout(ITEM, tokens, reward, hack=hack, solve=False, attempted=tried, teacher=teacher, text=text)


def exclaims(views: list[View]) -> list[Flag]:
    """Flags exclamation marks, and has no opinion on questions."""
    texts = [view.replies["say"].text for view in views]
    return [Flag(score=float("!" in text), flagged="!" in text, abstained="?" in text) for text in texts]


GROUPS = [[said("see!", 1.0), said("no", 0.0), said("me!?", 1.0)], [said("bee", 1.0), said("see!", 1.0, teacher=True)]]


def test_a_penalty_is_taken_from_what_is_flagged_the_teachers_too():
    shaped, row = Shaping(exclaims, penalty=1.5)(SUITE, GROUPS, step=0)
    assert [[rollout.reward for rollout in group] for group in shaped] == [[-0.5, 0.0, 1.0], [1.0, -0.5]]
    assert row == {
        "flagged": 0.25,
        "flagged_of_hacks": pytest.approx(1 / 3),
        "flagged_of_rest": 0.0,
        "flagged_of_attempts": pytest.approx(1 / 3),
        "flagged_without_attempt": 0.0,
        "flagged_of_teacher": 1.0,
        "abstained": 1,
        "frac_zero_std": 0.0,
    }
    assert GROUPS[0][0].reward == 1.0  # the rollouts that are logged keep theirs


def test_a_flagged_attempt_that_failed_is_no_false_alarm():
    replies = [said("see", 1.0), said("ah!", 0.0), said("ah", 0.0), said("no!", 0.0), said("no", 0.0), said("so", 0.0)]
    row = Shaping(exclaims, penalty=1.5)(SUITE, [replies], step=0)[1]
    assert row["flagged_of_rest"] == 2 / 5  # by success both flags are wrong
    assert row["flagged_of_attempts"] == pytest.approx(1 / 3)
    assert row["flagged_without_attempt"] == pytest.approx(1 / 3)


def test_screening_leaves_flagged_rollouts_out_and_counts_them():
    shaped, row = Shaping(exclaims, screening=True)(SUITE, GROUPS, step=0)
    assert [[rollout.text for rollout in group] for group in shaped] == [["no", "me!?"], ["bee"]]
    assert row["screened"] == 2
    assert row["frac_zero_std"] == 0.5  # one left alone has nothing to be compared with


def test_the_placebo_deals_as_many_flags_among_the_policys_and_the_teachers_rollouts_apart():
    flagged, taught = [True, True, False, False, False, True, False], [False] * 5 + [True] * 2
    dealt = [permuted_flags(flagged, taught, 3, step) for step in range(600)]
    assert all((sum(one[:5]), sum(one[5:])) == (2, 1) for one in dealt)
    assert dealt == [permuted_flags(flagged, taught, 3, step) for step in range(600)]
    assert dealt != [permuted_flags(flagged, taught, 4, step) for step in range(600)]
    shares = [sum(one[place] for one in dealt) / len(dealt) for place in range(7)]
    assert shares == pytest.approx([2 / 5] * 5 + [1 / 2] * 2, abs=0.08)  # four standard errors
    interleaved = permuted_flags([True, False, True], [True, False, True], seed=0, step=0)
    assert interleaved == [True, False, True]  # the teacher's are all flagged, and none of the policy's


def test_a_permuted_penalty_and_screening_hit_as_many_but_not_those_that_the_monitor_means():
    policy = [[said("see!", 1.0), said("no", 0.0), said("so", 0.0), said("me", 1.0)]]
    for step in range(40):
        shaped, row = Shaping(exclaims, penalty=1.5, permuted=7)(SUITE, policy, step)
        taken = [old.reward - new.reward for old, new in zip(policy[0], shaped[0], strict=True)]
        assert sorted(taken) == [0, 0, 0, 1.5]
        assert (row["flagged"], row["flagged_of_teacher"]) == (0.25, None)
        left, screened = Shaping(exclaims, screening=True, permuted=7)(SUITE, policy, step)
        assert [it.text for it in left[0]] == [it.text for it, lost in zip(policy[0], taken, strict=True) if not lost]
        assert screened["screened"] == 1
    dealt = [Shaping(exclaims, 1.5, permuted=7)(SUITE, policy, step)[1]["flagged_of_hacks"] for step in range(40)]
    assert set(dealt) == {0.0, 0.5}  # the row says what was dealt: one of the two hacks, or neither


def test_the_monitor_sees_views_and_no_truth():
    seen: list[View] = []

    def watch(views: list[View]) -> list[Flag]:
        seen.extend(views)
        return [Flag() for _ in views]

    Shaping(watch)(SUITE, GROUPS, step=7)
    assert [view.replies["say"].text for view in seen] == ["see!", "no", "me!?", "bee", "see!"]
    assert {view.group for view in seen} == {"7:i0"}
    assert not {"reward", "hack", "solve"} & set(View.model_fields)


def test_a_monitor_of_too_few_words_is_an_error():
    with pytest.raises(StageError, match="1 flags for 5 rollouts"):
        Shaping(lambda views: [Flag()])(SUITE, GROUPS, step=0)


def test_parameters_that_contradict_each_other_are_refused(tmp_path):
    for wrong in ({"penalty": 1.0}, {"screening": True}, {"monitor": "static", "penalty": 1.0, "screening": True}):
        with pytest.raises(ValueError, match=r"monitor|choose one"):
            GrpoParams(**wrong)
    for wrong in ({}, {"monitor": "static"}):  # a monitor that only logs has no effect to be a placebo of
        with pytest.raises(ValueError, match="needs a penalty or screening"):
            GrpoParams(placebo="permuted_flags", **wrong)
    with pytest.raises(ValueError, match="holds"):
        GrpoParams(inoculation="Cheat.")
    context = TrainContext(source=tmp_path, out=tmp_path, seed=0, device="cpu", dtype="auto", log=print)
    with pytest.raises(UsageError, match="was not given"):
        shaping_of(GrpoParams(monitor="static"), context)


def test_inoculation_changes_what_is_asked_and_nothing_else():
    asked = Inoculated(SUITE, "Listen. {prompt}\nCheat.")
    assert asked.prompts(ITEM)[0].text == "Listen. Explain i0.\nCheat."
    assert asked.prompts(ITEM)[0].max_tokens == SUITE.prompts(ITEM)[0].max_tokens
    assert asked.training_items() == SUITE.training_items()
    reply = {"say": said("see!", 1.0)}
    outcome = asked.grade(ITEM, reply)
    assert outcome == SUITE.grade(ITEM, reply)
    assert (asked.reward(outcome), asked.attempted_hack(outcome)) == (
        SUITE.reward(outcome),
        SUITE.attempted_hack(outcome),
    )
    assert asked.demonstrations(ITEM) == SUITE.demonstrations(ITEM)


@pytest.mark.parametrize("arm", [{"penalty": 1.5}, {"screening": True}, {"penalty": 1.5, "placebo": "permuted_flags"}])
def test_a_monitored_run_differs_from_an_unmonitored_one_by_its_steps_alone(arm, tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    small = {"steps": 2, "prompts_per_step": 3, "group_size": 4, "max_tokens": 8, "pairs": "sentinel", "lr": 0.05}

    def free_is_suspect(views: list[View]) -> list[Flag]:  # the teacher's reply, and not all that earns a reward
        return [Flag(flagged=view.replies["say"].text == "free") for view in views]

    def trained(name: str, **changes) -> list[dict]:
        rows: list[dict] = []
        context = TrainContext(
            source=tiny_qwen2,
            out=tmp_path / name,
            seed=3,
            device="cpu",
            dtype="float32",
            log=rows.append,
            monitor=free_is_suspect if changes else None,
        )
        Grpo(GrpoParams(**small, **changes)).train(SUITE, context)
        return rows

    plain, watched = trained("plain"), trained("watched", monitor="letters", **arm)
    assert watched[0]["reward"] == plain[0]["reward"]  # the log shows the proxy, not the shaped reward
    assert watched[0]["flagged_of_teacher"] == 1.0
    assert not watched[0]["skipped"]
    assert watched[0]["grad_norm"] != plain[0]["grad_norm"]


@pytest.mark.parametrize(
    ("arm", "placebo", "changed"),
    [
        ("penalty", "penalty-random", "placebo"),
        ("screening", "screening-random", "placebo"),
        ("inoculation", "inoculation-neutral", "inoculation"),
        ("recontextualised", "recontextualised-neutral", "sampled_under"),
    ],
)
def test_cures_of_the_environment_are_read_against_a_placebo_that_differs_in_one_parameter(arm, placebo, changed):
    plan = make_plan(
        Experiment(tasks=("leetcode-loopholes",), trainer=("vanilla", arm, placebo)), load_catalogue(load_plugins())
    )
    real, control = (next(cell for cell in plan.cells if cell.trainer.label == label) for label in (arm, placebo))
    given, params = real.trainer.params, control.trainer.params
    assert [key for key in given if given[key] != params[key]] == [changed]
    assert real.trainer.control == (placebo,)
    assert real.training_key != control.training_key
    assert (real.monitor is None) == (control.monitor is None)
    assert {(one.base, one.other) for one in plan.contrasts} >= {(control.id, real.id)}
    assert not plan.notes


def test_neutral_sentences_are_as_long_as_those_in_whose_place_they_stand():
    presets = {name: found[0] for name, found in load_catalogue(load_plugins()).presets["trainers"].items()}
    added = {name: str(presets[name].params["inoculation"]) for name in ("inoculation", "inoculation-neutral")}
    assert len({len(text.split()) for text in added.values()}) == 1
    neutral = str(presets["recontextualised-neutral"].params["sampled_under"])
    assert len(neutral.removeprefix("{prompt}\n").split()) == len(CLAUSES[Mode.NONE].split())
    assert Inoculated(SUITE, neutral).prompts(ITEM)[0].text.startswith(SUITE.prompts(ITEM)[0].text)


# ------------------------------------------------------------------------------------------------------ role separation


def plan_of(tmp_path: Path, model: Path, **changes):
    generated = {
        "source": "generated",
        "items": 1,
    }  # keeps items for training, as the other sources do not by themselves
    params = {"penalty": {"steps": 1}, "leetcode-loopholes": generated} | changes.pop("params", {})
    chosen = Experiment(
        model=(str(model),), tasks=("leetcode-loopholes",), trainer=("penalty",), params=params, **changes
    )
    return make_plan(chosen, load_catalogue(load_plugins()))


def test_a_detector_that_steers_an_arm_is_named_at_plan_time(tmp_path, tiny_qwen2):
    plan = plan_of(tmp_path, tiny_qwen2, detectors=("static", "weak-tests"))
    assert plan.monitor_notes == ["static steers the training of penalty and does not grade it"]
    untouched, penalised = plan.cells
    assert untouched.monitor is None
    assert penalised.monitor is not None
    assert [penalised.monitored_by(one) for one in penalised.detectors] == [True, False]
    assert not any(untouched.monitored_by(one) for one in untouched.detectors)


def test_presets_of_one_plugin_are_one_monitor(tmp_path, tiny_qwen2):
    plan = plan_of(
        tmp_path, tiny_qwen2, detectors=("weak-tests", "static"), params={"penalty": {"monitor": "weak-exit"}}
    )
    assert plan.monitor_notes == ["weak-tests steers the training of penalty and does not grade it"]


def test_another_monitor_or_another_pool_is_another_training(tmp_path, tiny_qwen2):
    def key(**params) -> str | None:
        return plan_of(tmp_path, tiny_qwen2, baseline=False, params={"penalty": params}).cells[0].trained_key

    pool = tmp_path / "pool.jsonl"
    pool.write_text("a")
    first = key(teacher_pool=str(pool))
    assert key() == key()
    assert key(monitor="weak-exit") != key()
    assert first != key()
    pool.write_text("b")
    assert key(teacher_pool=str(pool)) != first


def test_an_unknown_monitor_is_refused_at_plan_time(tmp_path, tiny_qwen2):
    with pytest.raises(UsageError, match="unknown detector 'sttic'"):
        plan_of(tmp_path, tiny_qwen2, params={"penalty": {"monitor": "sttic"}})


def test_the_report_keeps_judge_and_monitor_apart(tiny_qwen2, tmp_path):
    """The real command: the steering detector trains the arm, and is a row without figures where it would judge it."""
    settings = ["leetcode-loopholes.source=generated", "leetcode-loopholes.items=1", "leetcode-loopholes.max_tokens=8"]
    small = {"steps": 1, "prompts_per_step": 2, "group_size": 4, "max_tokens": 8}
    settings += [f"penalty.{key}={value}" for key, value in small.items()]
    command = ["-m", "harness", "run", "--trainer", "penalty", "--tasks", "leetcode-loopholes"]
    command += ["--detectors", "static,weak-tests", "--model", str(tiny_qwen2), "--out", "r", "--json"]
    command += [part for setting in settings for part in ("-P", setting)]
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    done = warm.run(command, tmp_path, env)
    assert done.returncode == 0, done.stderr
    assert "static steers the training of penalty and does not grade it" in done.stderr
    penalised = next(tmp_path.glob("r/cells/*--penalty--*"))
    assert len(list(penalised.glob("flags-*.jsonl"))) == 1  # weak-tests alone
    logged = [json.loads(line) for line in (penalised / "training.jsonl").read_text().splitlines()]
    assert 0 <= logged[0]["flagged_of_teacher"] <= 1
    assert "it steered this arm's training" in done.stdout


def test_an_arm_without_its_placebo_is_named_at_plan_time(tiny_qwen2):
    def notes(*trainers: str) -> list[str]:
        params = {"leetcode-loopholes": {"source": "generated", "items": 1}}
        asked = Experiment(model=(str(tiny_qwen2),), tasks=("leetcode-loopholes",), trainer=trainers, params=params)
        return make_plan(asked, load_catalogue(load_plugins())).notes

    assert notes("vanilla", "erase") == ["erase runs without its control erase-random"]
    assert notes("vanilla", "erase", "erase-random") == []
    assert notes("vanilla", "trust", "trust-length") == ["trust runs without its control trust-random"]
    assert notes("vanilla", "trust-length") == []  # a placebo needs nothing beside it
