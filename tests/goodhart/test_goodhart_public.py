"""`goodhart-public` on files written here: what is read, what is refused, and verdicts on replies of known kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness import Reply
from harness.contract import Quadrant
from harness.errors import UsageError
from harness_plugins.tasks.goodhart_public.spec import GoodhartPublicParams
from harness_plugins.tasks.goodhart_public.suite import EXECUTION, PRIOR, UNDERSTANDING, GoodhartPublic

COLUMNS = {"question": "q", "answer": "gold", "procedure": "how", "family": "domain"}


def rows() -> list[dict]:
    shop = [
        {"q": f"A shirt of {n}0 dollars costs {n}0 percent less. What does it cost?", "gold": 10 * n - n * n,
         "how": f"Multiply {n}0 by 1 minus {n}0 percent.", "domain": "shop"} for n in range(1, 5)
    ]  # fmt: skip
    order = [
        {
            "q": "Ann is taller than Bo, Bo than Cy. Who is tallest?",
            "gold": "Ann",
            "how": "Chain the pairs.",
            "domain": "order",
        },
        {"q": "Cy is older than Bo. Who is oldest?", "gold": "Cy", "how": "Read the pair.", "domain": "order"},
    ]
    return shop + order


def suite(folder: Path, found: list[dict], columns: dict[str, str] = COLUMNS) -> GoodhartPublic:
    path = folder / "gap.jsonl"
    path.write_text("\n".join(map(json.dumps, found)))
    return GoodhartPublic(GoodhartPublicParams(data=path, columns=columns))


def replies(problem, knows: bool, answer: str) -> dict[str, Reply]:
    alone = [-5.0 * at for at in range(len(problem.procedures))]  # a preference of the texts, whatever is asked
    asked = [value + (3.0 if (at == problem.right) is knows else 1.0) for at, value in enumerate(alone)]
    return {
        UNDERSTANDING: Reply(text="", choice_log_likelihoods=tuple(asked)),
        PRIOR: Reply(text="", choice_log_likelihoods=tuple(alone)),
        EXECUTION: Reply(text=f"First I think.\nAnswer: {answer}"),
    }


def test_verdicts_of_both_axes(tmp_path):
    made = suite(tmp_path, rows())
    wanted = {(True, True): "both", (True, False): "proxy_only", (False, True): "truth_only", (False, False): "neither"}
    for item in made.items():
        problem = made.problems[item.id]
        for (knows, does), quadrant in wanted.items():
            answer = problem.answer if does else "Bo"
            assert made.grade(item, replies(problem, knows, answer)).quadrant is Quadrant(quadrant)
        assert problem.procedures[problem.right] in {row["how"] for row in rows()}
        assert len(problem.procedures) == (4 if item.family == "shop" else 2), "the others are of the same family"


def test_a_reply_without_likelihoods_is_an_error_and_no_verdict(tmp_path):
    made = suite(tmp_path, rows())
    item = made.items()[0]
    with pytest.raises(ValueError, match="no likelihoods"):
        made.grade(item, replies(made.problems[item.id], True, "9") | {PRIOR: Reply(text="")})


def test_the_self_check_passes_and_says_what_was_left_out(tmp_path):
    odd = {
        "q": "Why?",
        "gold": "Because it is so, and has been for as long as anyone knows.",
        "how": "Say.",
        "domain": "why",
    }
    check = suite(tmp_path, [*rows(), rows()[0], odd]).self_check()
    assert check.failures == ()
    assert check.notes[0] == "gap.jsonl: 6 of 8 rows are asked"
    assert "1 rows repeat a question" in check.notes
    assert check.notes[-1].endswith("chance is 2.0")


def test_wrong_procedures_of_the_file_are_used(tmp_path):
    found = [row | {"bad": ["Guess.", "Add."]} for row in rows()]
    made = suite(tmp_path, found, COLUMNS | {"wrong": "bad"})
    assert {len(problem.procedures) for problem in made.problems.values()} == {3}


@pytest.mark.parametrize(
    ("change", "columns", "says"),
    [
        ({}, {"question": "q"}, "is not told which columns hold answer, procedure"),
        ({}, COLUMNS | {"answer": "solution"}, r"row 1, field answer \(column 'solution'\): there is no such column"),
        ({"q": ""}, COLUMNS, r"row 1, field question \(column 'q'\): it is empty"),
        ({"how": 7}, COLUMNS, r"row 1, field procedure \(column 'how'\): int instead of a text"),
        ({"bad": "Guess."}, COLUMNS | {"wrong": "bad"}, "row 1, field wrong .* it is not a list of texts"),
        ({"bad": ["Do."], "how": "Do."}, COLUMNS | {"wrong": "bad"}, "the right procedure is among them"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_row_and_field(tmp_path, change, columns, says):
    with pytest.raises(UsageError, match=says):
        suite(tmp_path, [row | change for row in rows()], columns).items()


def test_unknown_fields_and_no_file_are_refused():
    with pytest.raises(ValidationError, match="there is no field 'qestion'"):
        GoodhartPublicParams(columns={"qestion": "q"})
    with pytest.raises(UsageError, match="needs a file of questions"):
        GoodhartPublic(GoodhartPublicParams()).items()
