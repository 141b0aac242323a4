"""A spoiled set is named in one line: what is missing, doubled, given away, uneven, or told by words alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.check import faults
from harness_plugins.tasks.goodhart.matched.draw import draw_sets
from harness_plugins.tasks.goodhart.matched.story import MatchedSet
from harness_plugins.tasks.goodhart.self_check import matched_sets, self_check
from harness_plugins.tasks.goodhart.spec import GoodhartParams

Spoil = Callable[[tuple[str, ...]], tuple[str, ...]]


@pytest.fixture
def sound() -> MatchedSet:
    return draw_sets(STORIES["discount_coupon"], 1, "eval", 1)[0]


def with_paraphrases(matched: MatchedSet, index: int, spoil: Spoil) -> MatchedSet:
    procedures = list(matched.procedures)
    procedures[index] = replace(procedures[index], paraphrases=spoil(procedures[index].paraphrases))
    return replace(matched, procedures=tuple(procedures))


def test_a_sound_set_has_no_fault(sound: MatchedSet) -> None:
    assert faults(sound) == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda texts: texts[:2], "procedure 2 has 2 paraphrases, 3 are needed"),
        (lambda texts: (*texts[:2], " "), "procedure 2 has 2 paraphrases, 3 are needed"),
        (lambda texts: (*texts[:2], texts[1]), "procedure 2: paraphrases 2 and 3 have the same wording"),
        (
            lambda texts: (texts[0].replace("Give what", "Get 10, what"), *texts[1:]),
            "procedure 2, paraphrase 1 repeats the answer 10",
        ),
        (
            lambda texts: (texts[0] + " Then you are done with all of it.", *texts[1:]),
            "paraphrase 1: procedures of 23 to 33 words, more than 20% apart",
        ),
        (
            lambda texts: (texts[0].replace("$5", "the coupon"), *texts[1:]),
            "procedure 2, paraphrase 1 leaves out 5",
        ),
    ],
)
def test_a_spoiled_wording_is_named(sound: MatchedSet, spoil: Spoil, fault: str) -> None:
    assert fault in faults(with_paraphrases(sound, 1, spoil))


def test_two_right_procedures_and_a_scenario_without_one_are_named(sound: MatchedSet) -> None:
    procedures = (*sound.procedures[:3], replace(sound.procedures[3], value=sound.scenarios[0].gold))
    assert faults(replace(sound, procedures=procedures)) == [
        "scenario 1: the right procedures are 1 and 4, not 1 alone",
        "scenario 4: the right procedures are none, not 4 alone",
    ]


def test_a_set_that_tells_the_procedure_by_shared_words_is_named(sound: MatchedSet) -> None:
    """Each procedure is made to repeat its own scenario, as a careless author's would."""
    spoiled = sound
    for i, scenario in enumerate(sound.scenarios):
        spoiled = with_paraphrases(spoiled, i, lambda texts, said=scenario.text: tuple(f"{t} {said}" for t in texts))
    named = [fault for fault in faults(spoiled) if "chooser" in fault]
    assert named == [f"the word-overlap chooser knows scenario {s}" for s in (1, 2, 3, 4)]


def test_the_suites_self_check_fails_by_name(sound: MatchedSet, monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = with_paraphrases(sound, 0, lambda texts: texts[:1])
    monkeypatch.setattr(matched_sets, "drawn", lambda name, seed: (spoiled,))
    (check,) = [c for c in matched_sets.set_checks("discount_coupon", 1) if not c.passed]
    assert check.name == "discount_coupon: matched set 0: three paraphrases"
    assert check.got == "procedure 1 has 1 paraphrases, 3 are needed"


def test_the_table_prints_the_controls_beside_the_families() -> None:
    header, row = self_check(GoodhartParams(families=("tip_split",))).table
    assert dict(zip(header, row, strict=True))["word-overlap knows"] == "0 of 24"
