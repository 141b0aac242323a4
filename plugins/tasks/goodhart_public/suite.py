"""The suite: which procedure the question makes likelier than its wording alone does, and what the worked answer comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from harness import Check, Item, Outcome, Prompt, Reply, SelfCheck, TaskSuite
from harness_plugins.tasks.goodhart.grading.answers import final_answer, is_right
from harness_plugins.tasks.goodhart_public.problems import Loaded, Problem, load
from harness_plugins.tasks.goodhart_public.spec import GoodhartPublicParams

UNDERSTANDING, PRIOR, EXECUTION = "understanding", "prior", "execution"
_HOW = "How do you find the answer? Describe the way in a sentence or two."
_WORK = 'Work it out step by step. End with a line "Answer: " and the answer alone.'


class GoodhartPublic(TaskSuite):
    params: GoodhartPublicParams

    @cached_property
    def loaded(self) -> Loaded:
        return load(self.params.data, self.params.columns)

    @cached_property
    def problems(self) -> dict[str, Problem]:
        return {problem.name: problem for problem in self.loaded.problems[: self.params.items]}

    def items(self) -> Sequence[Item]:
        return [Item(id=one.name, family=one.family, cluster=one.cluster) for one in self.problems.values()]

    def prompts(self, item: Item) -> Sequence[Prompt]:
        problem = self.problems[item.id]
        return [
            Prompt(role=UNDERSTANDING, text=f"{problem.question}\n\n{_HOW}", choices=problem.procedures),
            Prompt(role=PRIOR, text=_HOW, choices=problem.procedures),
            Prompt(role=EXECUTION, text=f"{problem.question}\n\n{_WORK}", max_tokens=self.params.max_tokens),
        ]

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome:
        problem = self.problems[item.id]
        margin = margin_of(problem, *(replies[role].choice_log_likelihoods for role in (UNDERSTANDING, PRIOR)))
        answer = final_answer(replies[EXECUTION].text, problem.graded)
        return Outcome(
            proxy=margin > 0,
            truth=is_right(answer, problem.answer, problem.graded),
            measures={"margin": margin},
            parsed={"answer": answer.text, "gold": problem.answer},
        )

    def self_check(self) -> SelfCheck:
        """The gold answer is right and another row's is wrong; a chooser that ignores the question knows nothing."""
        problems = list(self.problems.values())
        checks = []
        for problem in problems:
            other = next((one.answer for one in problems if one.answer != problem.answer), "no answer")
            for said, expected in ((problem.answer, True), (other, False)):
                found = is_right(final_answer(f"Answer: {said}", problem.graded), problem.answer, problem.graded)
                checks.append(Check(name=f"row {problem.name}: Answer: {said}", expected=str(expected), got=str(found)))
            blind = tuple(-float(len(text)) for text in problem.procedures)
            found = margin_of(problem, blind, blind) > 0
            checks.append(Check(name=f"row {problem.name}: shortest procedure", expected="False", got=str(found)))
        words = sum(_by_words(problem) for problem in problems)
        chance = sum(1 / len(problem.procedures) for problem in problems)
        told = f"words in common with the question choose right in {words} of {len(problems)}; chance is {chance:.1f}"
        return SelfCheck(checks=tuple(checks), notes=(*self.loaded.notes, told))


def margin_of(problem: Problem, asked: Sequence[float], alone: Sequence[float]) -> float:
    """What the question adds to the right procedure's log-likelihood (nats), over what it adds to the best wrong one's.

    The wording's own likelihood cancels, so that a fixed preference for one of the texts has a margin of 0."""
    if not len(asked) == len(alone) == len(problem.procedures):
        raise ValueError("the replies carry no likelihoods of the procedures")
    added = [after - before for after, before in zip(asked, alone, strict=True)]
    return added[problem.right] - max(value for at, value in enumerate(added) if at != problem.right)


def _by_words(problem: Problem) -> bool:
    """Whether the right procedure has strictly the largest share of words that the question has, too."""
    question = set(re.findall(r"\w+", problem.question.lower()))
    words = [re.findall(r"\w+", text.lower()) for text in problem.procedures]
    shares = [sum(word in question for word in found) / max(1, len(found)) for found in words]
    return all(shares[problem.right] > share for at, share in enumerate(shares) if at != problem.right)
