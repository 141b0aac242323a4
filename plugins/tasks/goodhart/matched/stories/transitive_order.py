"""Where the fourth one stands, and from which end the names are asked."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params
from harness_plugins.tasks.goodhart.families.transitive_order import FAMILY, PLACES
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, upward: int, leads: int) -> str:
    *three, fourth = (str(params[place]) for place in PLACES)
    chain = [fourth, *three] if leads else [*three, fourth]
    sheet.note(f"Chain: {' > '.join(chain)}.")
    return ", ".join(sheet.row("Turned around", reversed(chain)) if upward else chain)


STORY = Story(
    family=FAMILY,
    scenario=(
        "{first} is {more} than {second}. {second} is {more} than {third}. {fourth} is [2:{less} than {third}|{more} "
        "than {first}]. Who are the four, from [1:{top} to {bottom}|{bottom} to {top}]?"
    ),
    procedures=(
        "Write {first}, {second} and {third} in a row as told, put {fourth} [2:after|before] them, and [1:keep the "
        "row as it is|turn the row around].",
        "With {first} over {second} and {second} over {third}, {fourth} goes [2:below|above] these; read the column "
        "[1:downward|upward].",
        "Chain {first} > {second} > {third}, hang {fourth} on the [2:right|left] end, and then name them from the "
        "[1:left end|right end].",
    ),
    solve=solve,
    fixed={"telling": 0},
)
