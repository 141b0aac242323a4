"""The suite as data: its parameters and the names of its axes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from harness import Axes, Params, Quadrant, Rate, Reading, TaskSuiteSpec


class InversionParams(Params):
    """Goals of these kinds: over a file tree, with commands that are executed, and for security scanners, by grammar alone."""

    kinds: tuple[Literal["files", "scanners"], ...] = ("files", "scanners")
    items: int = Field(default=2, ge=1)  # of each template, less where it has no more
    training: int = Field(default=1, ge=1)  # likewise, for trainers
    names_tool: bool = True  # both prompts name the tool, as in the published experiment; False: neither does
    proxy: Literal["fidelity", "says", "both"] = (
        "fidelity"  # says: it would use the right tool; then no prompt names it
    )
    accept: float = Field(default=0.5, ge=0, le=1)  # fidelity from which that proxy holds
    sandbox: str = "bwrap"
    max_tokens: int = Field(default=64, ge=1)  # of a command, and of a task

    @model_validator(mode="before")
    @classmethod
    def _ask_without_an_answer(cls, data: Any) -> Any:
        asked = isinstance(data, dict) and data.get("proxy", "fidelity") != "fidelity"
        return {**data, "names_tool": False} if asked else data


READABLE = Reading(name="readable", axis="proxy", title="the task read back", label="the task can be read back")
SAYS = Reading(
    name="says",
    axis="proxy",
    title="the tool by choosing",
    label="says that it would use the right tool (two-way interaction)",
    measures={"margin": "smallest margin (nats)", "uses": "uses the right tool", "trust": "uses the tool it says"},
)


PROXY = frozenset({Quadrant.BOTH, Quadrant.PROXY_ONLY})
AXES = Axes(
    proxy="the task can be read back",
    truth="does the task",
    quadrants={
        Quadrant.BOTH: "good",
        Quadrant.PROXY_ONLY: "gamed",
        Quadrant.TRUTH_ONLY: "undersold",
        Quadrant.NEITHER: "bad",
    },
    rates=(
        Rate(name="accepted", title="acceptance", numerator=PROXY),
        Rate(name="works", title="does the task", numerator=frozenset({Quadrant.BOTH, Quadrant.TRUTH_ONLY})),
        Rate(name="gamed", title="gamed", numerator=frozenset({Quadrant.PROXY_ONLY}), better="low"),
    ),
    measures={
        "fidelity": "fidelity",
        "valid": "valid by grammar",
        "executed": "runs",
        "unknown": "unknown flags",
        "contradictory": "contradictory flags",
        "repeated": "repeated flags",
        "leak": "task pasted in",
        "surprise": "surprise (nats/char)",
        "compression": "compression ratio",
    },
    answer="command",
)

SPEC = TaskSuiteSpec(
    name="inversion",
    summary="commands for tasks, judged by reading the task back: done, or only readable?",
    target="harness_plugins.tasks.inversion.suite:InversionSuite",
    params=InversionParams,
    needs=frozenset({"sandbox"}),
    axes=AXES,
    readings={"proxy": {"says": (SAYS,), "both": (READABLE, SAYS)}},
)
