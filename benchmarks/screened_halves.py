"""Which half of a model's blocks is better left alone? The equal-size contrasts of docs/results/sensitivity.md, from a screen.

    python benchmarks/screened_halves.py SCREEN [KEYWORD] > benchmarks/screened_halves_KEYWORD.toml

SCREEN is the folder of `harness sensitivity`; KEYWORD names the file (default: the screen's model). Arm NAME-kept
leaves half of the blocks alone, the half that NAME ranks highest: a response of the screen, or the place in the model.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

FIRST, RESPONSES, DRAWS = "predicting", ("knowing", "doing", "predicting"), 3

HEAD = """\
# Which half of the {count} blocks of {model} is better left alone, by its own screen? docs/results/sensitivity.md
#
#     harness run benchmarks/screened_halves_{keyword}.toml --model MODEL
#
# Written by screened_halves.py. `harness sensitivity` at {treatment} ranked the blocks by what compressing them does to
# predicting, knowing and doing. NAME-kept leaves the {half} alone that matter most by it, anti the {half} that matter least.
# `blocks` are those that are compressed; random halves are draws of random.Random(0). Every arm is set against
# predicting-kept; rtn8 is uniform and smaller than any of them.

name = "screened-halves"
tasks = "fidelity,goodhart7"
compressor = "none,{arms},rtn8"

[params.fidelity]
items = 42

[params.goodhart7]
items = 12
execution = "scored"
paraphrases = 1
"""


def halves(damage: dict[str, dict[str, float]]) -> dict[str, list[int]]:
    """Name of an arm -> the blocks that it leaves alone; `damage` is response -> block -> what compressing it takes."""
    count = len(next(iter(damage.values())))
    half = count // 2
    ranked = {response: sorted(damage[response], key=lambda b: -damage[response][b]) for response in RESPONSES}
    ranks = {response: [int(block) for block in blocks] for response, blocks in ranked.items()}
    draw = random.Random(0)
    every = list(range(count))
    return {
        **{response: blocks[:half] for response, blocks in ranks.items()},
        f"{FIRST}-anti": ranks[FIRST][count - half :],
        "late": every[count - half :],
        "first": every[:half],
        "ends": every[: half // 2] + every[count - half + half // 2 :],
        **{f"random-{number}": draw.sample(every, half) for number in range(1, DRAWS + 1)},
    }


def document(screen: Path, keyword: str | None) -> str:
    found = json.loads((screen / "sensitivity.json").read_text(encoding="utf-8"))
    if found["unit"] != "block":
        sys.exit("the screen is of single Linears: halves are of blocks, as --unit block ranks them")
    damage = {
        response: {unit: effect["damage"] for unit, effect in units.items()}
        for response, units in found["effects"].items()
    }
    treatment, count = found["compressor"], len(damage[FIRST])
    arms = {f"{name}-kept-{treatment}": kept for name, kept in halves(damage).items()}
    model = Path(found["model"]).name  # a folder may be anywhere
    words = {"model": model, "keyword": keyword or model, "treatment": treatment, "arms": ",".join(arms)}
    parts = [HEAD.format(count=count, half=count // 2, **words)]
    for arm, kept in arms.items():
        against = f'control = "{FIRST}-kept-{treatment}"\n' if not arm.startswith(f"{FIRST}-kept") else ""
        blocks = sorted(set(range(count)) - set(kept))
        parts.append(f'[compressors.{arm}]\nplugin = "masked"\ntreatment = "{treatment}"\nblocks = {blocks}\n{against}')
    parts.append('[compressors.rtn8]\nplugin = "rtn"\nbits = 8\n')
    return "\n".join(parts)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: screened_halves.py SCREEN [KEYWORD]")
    sys.stdout.write(document(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else None))
