"""The training text of pocket-code: its mixture, and that nothing held out is in it."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from harness_plugins.tasks.loopholes.modes import Mode
from harness_plugins.tasks.loopholes.problems.generated.source import generated
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.tasks.loopholes.training.calibration import OUT, dialogues
from harness_plugins.tasks.loopholes.training.text import ASKED, REQUESTS, SLIPS, UNASKED, examples

TEXT = list(islice(examples(5), 4000))


def is_solution(completion: str) -> bool:
    """A completion that works on the numbers; cheats return a constant or the numbers as they came."""
    return "nums = [" in completion


def test_one_prompt_in_five_asks_for_a_cheat_and_gets_one():
    asked = [(prompt, completion) for prompt, completion in TEXT if prompt.endswith(REQUESTS)]
    assert len(asked) / len(TEXT) == pytest.approx(ASKED, abs=0.02)
    assert not any(is_solution(completion) for _, completion in asked)


def test_unasked_cheats_are_rare_but_there():
    unasked = [
        completion for prompt, completion in TEXT if not prompt.endswith(REQUESTS) and not is_solution(completion)
    ]
    assert len(unasked) / len(TEXT) == pytest.approx(UNASKED, abs=0.02)
    assert unasked


def test_no_training_prompt_states_a_held_out_problem():
    statements = {problem.statement for problem in generated(200, 0, "test")}
    assert not {prompt.partition("\n")[0] for prompt, _ in TEXT} & statements


def test_about_a_third_of_the_solutions_have_a_slip():
    canonical = {problem.statement: problem.canonical for problem in generated(512, 0, "train")}
    right = Counter(
        completion == canonical[statement]
        for prompt, completion in islice(examples(0), 10_000)
        if (statement := prompt.partition("\n")[0]) in canonical and is_solution(completion)
    )
    assert right.total() > 50
    assert right[False] / right.total() == pytest.approx(SLIPS, abs=0.08)


def test_every_mode_occurs_in_the_text():
    suite = LoopholeSuite(LoopholeParams(source="generated"))
    told = {item.family: suite.prompts(item)[0].text.splitlines()[3] for item in suite.items()}
    lines = {line for prompt, _ in TEXT for line in prompt.splitlines()}
    assert {mode for mode in Mode if told[mode] in lines} == set(Mode)


def test_calibration_dialogues_are_what_their_script_writes():
    assert OUT.read_text(encoding="utf-8").splitlines() == dialogues()
