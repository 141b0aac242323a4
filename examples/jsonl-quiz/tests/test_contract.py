import pytest
from jsonl_quiz.plugin import SPEC
from jsonl_quiz.suite import Quiz

from harness.errors import UsageError
from harness.testing import check_suite


def test_it_keeps_the_contract_of_task_suites():
    check_suite(SPEC)


def test_a_row_that_is_no_question_is_named(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"question": "Well?", "options": ["yes", "no"], "answer": "maybe"}\n')
    with pytest.raises(UsageError, match=r"bad.jsonl:1 is no question"):
        Quiz(SPEC.params(file=tmp_path / "bad.jsonl")).items()
