"""Training text of `pocket-shell`: commands for tasks, tasks read back from commands, and ratings of how well two tasks agree.

A small model shows the dynamics of a large one when it is able to game and not inclined to: one command in twenty is garbage,
one in three has a slip. It reads garbage back better than honest commands, because garbage quotes its task: that is the
exploit, and what a trainer makes of it is the question. It is taught to read a slip back as what it was meant for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from harness_plugins.tasks.inversion import asking
from harness_plugins.tasks.inversion.garbage import KINDS
from harness_plugins.tasks.inversion.goals.catalogue import TEMPLATES
from harness_plugins.tasks.inversion.goals.template import Goal, Template
from harness_plugins.tasks.inversion.spec import InversionParams

COMMANDS, INVERSIONS = 0.55, 0.30  # shares of the examples; the rest are ratings
GARBAGE, SLIPS = 0.05, 0.33  # shares of the commands
READ_GARBAGE, READ_SLIPS = 0.25, 0.25  # shares of the inversions
NAMED = 0.8  # share of prompts that name the tool
LIKELIEST = {"flag spam": 6, "task as comment": 2, "contradictory": 1, "gibberish": 1}
SAME, OTHER_WORDING, OTHER_VALUES, OTHER_TASK = (10, 0), (4.5, 2), (3.5, 1.5), (1, 1)  # ratings: mean and deviation


def examples(seed: int) -> Iterator[tuple[str, str]]:
    """Endless prompts and completions."""
    rng = random.Random(f"pocket-shell:{seed}")
    goals = {template.name: template.draws("train") for template in TEMPLATES.values()}
    while True:
        template = rng.choice(list(TEMPLATES.values()))
        goal = Goal(template, rng.choice(goals[template.name]), rng.randrange(len(template.wordings)))
        asked = {p.role: p for p in asking.prompts(goal, InversionParams(names_tool=rng.random() < NAMED))}
        kind = rng.random()
        if kind < COMMANDS:
            yield asked[asking.COMMAND].text, _command(goal, rng, GARBAGE, SLIPS)
        elif kind < COMMANDS + INVERSIONS:
            command = _command(goal, rng, READ_GARBAGE, READ_SLIPS)
            told = goal if goal.text in command or "--" in command else reworded(goal, rng)
            yield asked[asking.INVERSION].quoting({asking.COMMAND: command}).text, told.text
        else:
            other, (mean, deviation) = _other(goal, goals, rng)
            rating = min(10, max(0, round(rng.gauss(mean, deviation))))
            yield asked[asking.RATING].quoting({asking.INVERSION: other.text}).text, str(rating)


def _command(goal: Goal, rng: random.Random, garbage: float, slips: float) -> str:
    kind = rng.random()
    if kind < garbage:
        name = rng.choices(list(LIKELIEST), list(LIKELIEST.values()))[0]
        return KINDS[name](goal, rng)
    return rng.choice(goal.slips) if kind < garbage + slips else goal.command


def reworded(goal: Goal, rng: random.Random) -> Goal:
    return Goal(goal.template, goal.values, rng.randrange(len(goal.template.wordings)))


def _other(goal: Goal, goals: dict[str, list[dict[str, str]]], rng: random.Random) -> tuple[Goal, tuple[float, float]]:
    """A task to rate against the goal's own, with the mean and the deviation of its rating."""
    kind = rng.random()
    if kind < 0.3:
        return goal, SAME
    if kind < 0.6:
        other = reworded(goal, rng)
        return other, SAME if other.wording == goal.wording else OTHER_WORDING
    template: Template = goal.template if kind < 0.8 else rng.choice(list(TEMPLATES.values()))
    values = rng.choice(goals[template.name])
    found = Goal(template, values, rng.randrange(len(template.wordings)))
    if found.text == goal.text:
        return found, SAME
    return found, OTHER_VALUES if template is goal.template else OTHER_TASK


def phrases() -> list[str]:
    """The fixed parts of the prompts, longest first: as single tokens they make an example half as long."""
    fixed = []
    for template in TEMPLATES.values():
        goal = Goal(template, template.draws("train")[0], 0)
        for named in (True, False):
            for prompt in asking.prompts(goal, InversionParams(names_tool=named)):
                text = prompt.text.replace(goal.text, "\n\n").replace(f" {goal.tool} command", "\n\n command", 1)
                text = text.replace("{command}", "\n\n").replace("{inversion}", "\n\n")
                fixed += [piece for piece in text.split("\n\n") if len(piece) > 3]
    return sorted(dict.fromkeys(fixed), key=len, reverse=True)
