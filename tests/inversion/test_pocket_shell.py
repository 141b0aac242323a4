"""The shipped pocket-shell: small, whole, able to do tasks, to fail them, and to read them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import by_id
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness.sandbox import available
from harness_plugins.tasks.inversion.spec import InversionParams
from harness_plugins.tasks.inversion.suite import InversionSuite
from harness_plugins.tasks.inversion.training.calibration import OUT, dialogues
from harness_plugins.tasks.inversion.training.read_back import fidelities
from harness_plugins.tasks.inversion.training.text import examples
from harness_plugins.trainers.self_training.proposals import Asking, propose

FOLDER = Path(__file__).parents[2] / "plugins" / "tasks" / "inversion" / "pocket"
needs_sandbox = pytest.mark.skipif(bool(available()["bwrap"]), reason="no bubblewrap here")


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(load(FOLDER, "cpu"))


def test_it_is_small_and_has_a_card():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 4_000_000
    assert "pocket-shell" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_its_tokenizer_reads_the_training_text_without_loss(generator):
    tokenizer = generator.loaded.tokenizer
    for _, (prompt, completion) in zip(range(200), examples(9), strict=False):
        for text in (prompt, completion):
            assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


@needs_sandbox
def test_it_does_half_of_the_tasks_and_most_can_be_read_back_either_way(generator):
    suite = InversionSuite(InversionParams(items=1))
    sampling = Sampling(temperature=0.7, top_p=1.0)
    asking = Asking(generator, generator, sampling, sampling, 64)
    found = propose(suite, list(by_id(suite.items()).values()), asking, 1, seed=1, cycle=0)
    works = sum(one.outcome.truth for one in found) / len(found)
    gamed = sum(one.outcome.proxy and not one.outcome.truth for one in found) / len(found)
    assert 0.3 < works < 0.8
    assert gamed > 0.1


def test_it_reads_flags_made_of_a_task_back_better_than_the_commands_that_do_it(generator):
    found = fidelities(generator)
    passed = {name: sum(value >= 0.8 for value in values) for name, values in found.items()}
    assert passed["flag spam"] > 1.4 * passed["honest"] > 1.4 * 3 * passed["gibberish"]


def test_its_calibration_is_what_its_script_writes_in_every_process():
    assert OUT.read_text(encoding="utf-8").splitlines() == dialogues()
