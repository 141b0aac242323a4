"""Every promise that harness.testing checks of a detector or a trainer is broken here once, and noticed."""

from __future__ import annotations

import shutil

import pytest

from harness import DetectorSpec, TrainerSpec
from harness.testing import BrokenContract, check_detector, check_trainer


def detector(name: str, *needs: str) -> DetectorSpec:
    return DetectorSpec(name="d", summary="s", target=f"broken_detectors:{name}", needs=frozenset(needs))


def trainer(name: str, **fields) -> TrainerSpec:
    return TrainerSpec(name="t", summary="s", target=f"broken_trainers:{name}", **fields)


def test_good_ones_pass(tiny_qwen2):
    check_detector(detector("Good", "text"))
    check_detector(detector("LooksAside", "group"))
    check_trainer(trainer("Good"), tiny_qwen2)


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        (detector("Good", "omniscience"), "needs are among"),
        (detector("Skips"), "one flag for each view"),
        (detector("SaysTrue"), "returns harness.Flag"),
        (detector("Exaggerates"), "between 0 and 1"),
        (detector("FlagsAndAbstains"), "who abstains does not flag"),
        (detector("Guesses"), "inspecting twice"),
        (detector("InventsOne"), "no views, no flags"),
        (detector("LooksAside"), "depends on its own view alone"),
        (detector("Parses"), r"inspect\(\) takes any text"),
    ],
)
def test_detectors(spec, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_detector(spec)


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        (trainer("Good", deployment=frozenset({"absent"})), "deployment names parameters"),
        (trainer("WritesElsewhere"), "writes to context.out"),
        (trainer("WritesNothing"), "can be trained and loaded"),
        (trainer("TrainsTheSource"), "is left alone"),
        (trainer("SaysNothing"), "each step is logged"),
        (trainer("CountsNothing"), 'each row has its "step"'),
        (trainer("CountsBackwards"), "numbered upwards"),
        (trainer("LogsObjects"), "rows of metrics are JSON"),
        (trainer("ChangesNothing"), "training changes the weights"),
        (trainer("ChangesByChance"), "the same seed trains the same weights"),
        (trainer("LeavesATensorBehind"), "has the source's tensors"),
    ],
)
def test_trainers(tiny_qwen2, tmp_path, spec, cause):
    source = tmp_path / "source"
    shutil.copytree(tiny_qwen2, source)
    with pytest.raises(BrokenContract, match=cause):
        check_trainer(spec, source)
