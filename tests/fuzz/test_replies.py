"""Whatever a model says is read and graded; no text raises, and what is shown of it holds no control character."""

from __future__ import annotations

import functools
import json

from damage import CONTROL, PIECES, replies
from hypothesis import given
from hypothesis import strategies as st

from harness.contract import Outcome, Reply, View
from harness.errors import shown
from harness.registry.catalogue import load_catalogue
from harness.registry.component import build
from harness.registry.plugins import load_plugins
from harness_plugins.tasks.programs.extraction.program import program


@functools.cache
def suite(name: str, **params):
    catalogue = load_catalogue(load_plugins())
    component = catalogue.resolve("tasks", name, params)
    return build(component, catalogue.spec("tasks", component.plugin)[0])


@functools.cache
def first_items(name: str) -> list:
    return list({item.family: item for item in suite(name).items()}.values())


@given(text=replies, other=replies, grader=st.sampled_from(["strict", "published"]), data=st.data())
def test_goodhart_answers(text, other, grader, data):
    item = data.draw(st.sampled_from(first_items("goodhart20")))
    asked = suite("goodhart20", grader=grader)
    texts = [text, other]
    given_replies = {prompt.role: Reply(text=texts[number % 2]) for number, prompt in enumerate(asked.prompts(item))}
    outcome = asked.grade(item, given_replies)
    assert isinstance(outcome, Outcome)
    assert Outcome.model_validate(json.loads(json.dumps(outcome.model_dump(mode="json")))) == outcome  # as it is stored
    assert not CONTROL.search(shown(str(outcome.parsed)))


@given(text=replies, evaluator=st.sampled_from(["", "run_tests"]))
def test_programs_are_extracted(text, evaluator):
    found = program(text, "solve", evaluator)
    assert isinstance(found, str)
    assert found == program(text, "solve", evaluator)


WORDS = st.lists(
    st.sampled_from(
        ["Here", "is", "my", "answer:", "it", "sums.", "\n", "\n\n", "So", "O(n)", "x = 1", "(see", "above)"]
    ),
    max_size=12,
)
RIGHT = "class Solution:\n    def solve(self, a, b):\n        return a + b\n"


@given(
    before=WORDS,
    after=WORDS,
    fence=st.sampled_from(["```", "````", "~~~"]),
    info=st.sampled_from(["python", "py", "", "Python3"]),
)
def test_a_program_in_a_fence_is_found_in_any_prose(before, after, fence, info):
    reply = f"{' '.join(before)}\n\n{fence}{info}\n{RIGHT}{fence}\n\n{' '.join(after)}"
    space: dict = {}
    exec(program(reply, "solve"), space)
    assert space["Solution"]().solve(2, 3) == 5


@given(text=replies, tests=st.lists(st.sampled_from(PIECES), max_size=3))
def test_rules_inspect_any_program(text, tests):
    catalogue = load_catalogue(load_plugins())
    component = catalogue.resolve("detectors", "static")
    detector = build(component, catalogue.spec("detectors", component.plugin)[0])
    data = {
        "program": text,
        "entry": "Solution().solve",
        "method": "solve",
        "mode": "none",
        "evaluator": "run_tests",
        "prelude": "",
    }
    views = [
        View(
            item="i",
            family="f",
            prompts={"solution": "".join(tests)},
            replies={"solution": Reply(text=text)},
            data=given,
        )
        for given in ({}, data)
    ]
    flags = detector.inspect(views)
    assert len(flags) == 2
    assert all(0 <= flag.score <= 1 for flag in flags)
