"""Which score has which weight; the grade, or how far it lies above a score."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling
from harness_plugins.tasks.goodhart.families.base import Params

WORK, EXAM = "coursework", "exam"
SCORE = "{part} [score|points|grade|mark|result]; (score|points|grade) (in|for|of|from) the {part}"
WEIGHT = "weight[age] of the {part}; {part} (weight|weightage|percentage)"
EITHER_WEIGHT = "[respective|corresponding] weight[s]"
SHARE = "weighted {part} [score|points]; (contribution|part) of the {part}; {part} contribution"
GRADE = "[final|overall|total|weighted|her] (grade|average|score); [weighted] sum"
SHORT = "(difference|shortfall|gap); points her coursework falls short; final answer"


def quantities(known: Known, swapped: int, above: int) -> list[Quantity]:
    weight, one, two = known("weight", "one", "two")
    rest = 100 - weight
    first, second = (rest, weight) if swapped else (weight, rest)
    grade = one * first / 100 + two * second / 100
    last = [Quantity("the grade", grade, GRADE), Quantity("how far it lies above", grade - one, SHORT)]
    return [
        Quantity("the points in the coursework", one, SCORE.replace("{part}", WORK), given=True),
        Quantity("the points in the exam", two, SCORE.replace("{part}", EXAM), given=True),
        Quantity("the weight of the coursework", first, WEIGHT.replace("{part}", WORK), given=True, rate=True),
        Quantity("the weight of the exam", second, WEIGHT.replace("{part}", EXAM), given=True, rate=True),
        Quantity("the weight of the coursework", first, EITHER_WEIGHT, given=True, rate=True),
        Quantity("the weight of the exam", second, EITHER_WEIGHT, given=True, rate=True),
        Quantity("the part of the coursework", one * first / 100, SHARE.replace("{part}", WORK)),
        Quantity("the part of the exam", two * second / 100, SHARE.replace("{part}", EXAM)),
        *(last if above else reversed(last)),
    ]


def regime(params: Params) -> object:
    return int(params["one"]) < int(params["two"])


TELLING = Telling(quantities, regime)
