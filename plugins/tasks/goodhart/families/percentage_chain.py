"""A value that rises by a percentage and then falls by another."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.verbs import SUBTRACT


def draw(rng: Random) -> Params:
    return {"base": 100 * rng.randint(1, 12), "up": 10 * rng.randint(1, 9), "down": 10 * rng.randint(1, 9)}


def raised(params: Params) -> int:
    base, up = integers(params, "base", "up")
    return base * (100 + up) // 100


def answer(params: Params) -> str:
    return str(raised(params) * (100 - int(params["down"])) // 100)


def working(params: Params) -> tuple[str, ...]:
    base, up, down = integers(params, "base", "up", "down")
    high = raised(params)
    return (
        f"{up}% of {base} is {high - base}.",
        f"{base}+{high - base}={high}.",
        f"{down}% of {high} is {high * down // 100}.",
        f"{high}-{high * down // 100}={answer(params)}.",
    )


FAMILY = Family(
    name="percentage_chain",
    category="multi-step arithmetic",
    kind="number",
    unit="$",
    answer_format="the dollars as a plain number",
    canonical={"base": 100, "up": 20, "down": 25},
    draw=draw,
    answer=answer,
    working=working,
    cores=(
        "The price of a {thing} was ${base}. It went up by {up}% in spring and down by {down}% in autumn. What does "
        "it cost now?",
        "A dealer asks ${base} for a {thing}, raises this by {up}%, and a month later lowers the raised price by "
        "{down}%. What is the price now?",
        "Last year a {thing} was worth ${base}. Its value climbed {up}%, and from there it fell {down}%. What is it "
        "worth now?",
        "A {thing} is listed at ${base}. The listing rises {up}% and afterwards drops {down}%. What does the listing "
        "say in the end?",
        "Price history of a {thing}: ${base} at first, then up {up}%, then down {down}%. What is the latest price?",
        "Suppose a {thing} costs ${base}. There is a rise of {up}%, followed by a cut of {down}% on the new price. "
        "What does the {thing} cost after both?",
    ),
    casts=tuple({"thing": thing} for thing in ("bike", "painting", "sofa", "camera", "ticket", "guitar")),
    method=(
        (
            "First calculate {up}% of ${base} and add it to the price.",
            "Find {up}% of the ${base} and add this rise.",
            "Start by increasing ${base}: add {up}% of it.",
        ),
        (
            "Then calculate {down}% of this new price, not of ${base}.",
            "Take the raised price of the {thing} as the new base and find {down}% of it.",
            "Next work out {down}% of the increased price.",
        ),
        (
            "Finally subtract that from the raised price.",
            "Last, subtract it from the new price.",
            "Deduct this amount from the increased price of the {thing}.",
        ),
    ),
    steps=(
        Step(
            "apply the rise",
            (
                r"multipl\w*(?=[^\n]{0,50}\b1\.\d)",
                *near(r"\bfind|calculat|comput|work out|multipl|\badd|increas|plus", r"%|percent|increas|1\.\d|\+"),
                r"\+ ?\d+ ?%",
            ),
        ),
        Step(
            "the fall counts from the new price",
            (
                *near(r"\bnew\b|raised|increased|result|higher|\bthat\b|spring", r"%|percent|0\.\d", gap=60),
                r"\b(?:new|raised|increased|this|that|higher|spring) (?:price|amount|value)"
                r"(?=[^\n]{0,30}(?:deduct|subtract|tak|reduc|minus|-|multipl))",
                r"\b(?:new|raised|increased|result\w*|higher|that|spring)\b(?=[^\n]{0,60}\b0?\.\d)",
            ),
        ),
        Step(
            "take it off",
            (
                *near(rf"{SUBTRACT}|went down|lower|decreas", r"price|amount|value|%|\bit\b|that|this|result"),
                r"(?:by|×|\*) ?\(?(?:1 ?- ?)?0?\.\d",
                r"- ?\d+ ?%",
                r"is subtracted|\bkeep\b[^.\n]{0,30}%",
            ),
        ),
    ),
    published_keywords=("percent", "increase", "subtract", "new price"),
)
