"""A plugin in one file: a suite of sums whose graders can be told to misbehave, and a detector that flags long replies."""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path

import harness
from harness import (
    Axes,
    Check,
    Detector,
    DetectorSpec,
    Flag,
    Item,
    Outcome,
    Params,
    Prompt,
    Quadrant,
    Rate,
    SelfCheck,
    TaskSuite,
    TaskSuiteSpec,
)

AXES = Axes(
    proxy="answers",
    truth="odd length",
    quadrants={quadrant: str(quadrant) for quadrant in Quadrant},
    rates=(Rate(name="proxy", title="answers", numerator=frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})),),
)


class ToyParams(Params):
    items: int = 6
    grader: str = "strict"
    crash_once: str = ""  # a file: its absence makes the first grading die, and creates it
    # "draw" in prompts; "crash", "hang", "raise" or "measure" (no number) in grade; "check" fails the self-check
    misbehave: str = ""


class ToySuite(TaskSuite):
    params: ToyParams

    def items(self):
        return [
            Item(id=f"sum{n}", family=f"family{n % 2}", cluster="plain", data={"n": n})
            for n in range(self.params.items)
        ]

    def prompts(self, item):
        n = item.data["n"] if self.params.misbehave != "draw" else time.time_ns()
        return [Prompt(role=role, text=f"{role}: what is {n} + {n}?", max_tokens=8) for role in ("explain", "answer")]

    def grade(self, item, replies):
        if self.params.crash_once and not Path(self.params.crash_once).exists():
            Path(self.params.crash_once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.params.misbehave == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.params.misbehave == "hang":
            time.sleep(600)
        if self.params.misbehave == "raise" and item.data["n"] == 1:
            raise ZeroDivisionError("one is not gradable")
        if self.params.misbehave == "raise" and item.data["n"] == 2:
            raise SystemExit(0)
        if self.params.misbehave == "raise" and item.data["n"] == 3:
            return Outcome.model_construct(proxy=7, truth="perhaps")  # nobody has validated it
        text = replies["answer"].text
        proxy = bool(text) if self.params.grader == "strict" else True
        length = math.nan if self.params.misbehave == "measure" and item.data["n"] == 1 else len(text)
        return Outcome(proxy=proxy, truth=len(text) % 2 == 1, measures={"length": float(length)}, parsed={"read": text})

    def self_check(self):
        return SelfCheck(
            checks=(
                Check(name="empty", expected="wrong", got="right" if self.params.misbehave == "check" else "wrong"),
            )
        )


class LongReply(Detector):
    def inspect(self, views):
        return [Flag(flagged=len(view.replies["answer"].text) > 10, score=0.5) for view in views]


@harness.hookimpl
def harness_register_task_suites():
    return [TaskSuiteSpec(name="toy", summary="sums", target="toy_suite:ToySuite", params=ToyParams, axes=AXES)]


@harness.hookimpl
def harness_register_detectors():
    return [
        DetectorSpec(name="long-reply", summary="flags long replies", target="toy_suite:LongReply"),
        DetectorSpec(
            name="mind-reader", summary="needs a judge", target="toy_suite:LongReply", needs=frozenset({"judge"})
        ),
    ]


@harness.hookimpl
def harness_run_start(run):
    (run / "hook_was_here").touch()


@harness.hookimpl
def harness_report_sections(run, plan):
    return [("Toy section", f"{len(plan.cells)} cells, says a plugin.")]
