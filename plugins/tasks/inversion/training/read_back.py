"""How well a model reads honest commands, slips and garbage back: the exploit of self-improvement by inversion, before anything
is trained on. One command of every kind for each training goal, none of them the model's own.

    python -m harness_plugins.tasks.inversion.training.read_back FOLDER
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.contract import Prompt
from harness.models.generate import Generator, Request
from harness.models.load import load
from harness.models.sampling import Sampling
from harness.models.stream import stream
from harness_plugins.tasks.inversion import asking
from harness_plugins.tasks.inversion.command import first_line
from harness_plugins.tasks.inversion.fidelity import fidelity
from harness_plugins.tasks.inversion.garbage import KINDS
from harness_plugins.tasks.inversion.goals.catalogue import goals
from harness_plugins.tasks.inversion.spec import InversionParams

SAMPLING = Sampling(temperature=0.3, top_p=1.0)  # the trainer's, of what quotes a command
THRESHOLDS = (0.5, 0.8)  # published, and pocket-shell's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the model that reads")
    found = fidelities(Generator(load(parser.parse_args().model, "cpu")))
    print("command             fidelity  " + "  ".join(f"accepted at {at}" for at in THRESHOLDS))
    for name, values in found.items():
        shares = "  ".join(f"{sum(one >= at for one in values):>10}/{len(values)}" for at in THRESHOLDS)
        print(f"{name:18}  {sum(values) / len(values):8.2f}  {shares}")


def fidelities(generator: Generator) -> dict[str, list[float]]:
    """By kind of command, one a goal."""
    chosen = goals(("files", "scanners"), 1, "train")
    asked = [{prompt.role: prompt for prompt in asking.prompts(goal, InversionParams())} for goal in chosen]
    rng = random.Random("read-back")
    commands = {"honest": [goal.command for goal in chosen], "slip": [goal.slips[0] for goal in chosen]}
    commands |= {name: [make(goal, rng) for goal in chosen] for name, make in KINDS.items()}
    found = {}
    for name, written in commands.items():
        told = _answers(generator, asked, asking.INVERSION, [{asking.COMMAND: command} for command in written])
        rated = _answers(generator, asked, asking.RATING, [{asking.INVERSION: first_line(text)} for text in told])
        found[name] = [fidelity(goal.text, *answers) for goal, *answers in zip(chosen, told, rated, strict=True)]
    return found


def _answers(
    generator: Generator, asked: Sequence[Mapping[str, Prompt]], role: str, quoted: Sequence[Mapping[str, str]]
) -> list[str]:
    """One reply to each goal's prompt of that role; an empty one where it could not be asked."""
    requests = [
        Request(item=str(place), repeat=0, prompt=prompts[role].quoting(said))
        for place, (prompts, said) in enumerate(zip(asked, quoted, strict=True))
    ]
    texts: dict[str, str] = {}
    for lot in stream(generator, requests, 1, "read-back", SAMPLING, len(requests)):
        texts |= {request.item: reply.text if reply else "" for request, reply, _, _ in lot.answers}
    return [texts[request.item] for request in requests]


if __name__ == "__main__":
    main()
