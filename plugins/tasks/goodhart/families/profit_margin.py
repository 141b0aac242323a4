"""The profit on some units after a fixed cost."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.verbs import ADD, MULTIPLY, SUBTRACT


def draw(rng: Random) -> Params:
    units, cost, margin = 10 * rng.randint(2, 12), rng.randint(2, 20), rng.randint(3, 15)
    fixed = 10 * rng.randint(1, units * margin // 10 - 1)
    return {"units": units, "price": cost + margin, "cost": cost, "fixed": min(fixed, 400)}


def answer(params: Params) -> str:
    units, price, cost, fixed = integers(params, "units", "price", "cost", "fixed")
    return str(units * (price - cost) - fixed)


def working(params: Params) -> tuple[str, ...]:
    units, price, cost, fixed = integers(params, "units", "price", "cost", "fixed")
    margin = price - cost
    return (
        f"{price}-{cost}={margin}.",
        f"{margin}x{units}={margin * units}.",
        f"{margin * units}-{fixed}={answer(params)}.",
    )


FAMILY = Family(
    name="profit_margin",
    category="finance",
    kind="number",
    unit="$",
    answer_format="the dollars as a plain number",
    canonical={"units": 100, "price": 25, "cost": 12, "fixed": 300},
    draw=draw,
    answer=answer,
    working=working,
    cores=(
        "{person} sells {units} {things} at ${price} each. Making one costs her ${cost}, and the market stall costs "
        "${fixed} in all. What is her profit?",
        "A stall at the fair costs {person} ${fixed}. She brings {units} {things}, made for ${cost} apiece, and "
        "sells them all for ${price} apiece. What profit does she make?",
        "{units} {things} were bought for ${cost} each and sold for ${price} each; renting the shop for the day cost "
        "{person} ${fixed}. How much did she earn in the end?",
        "{person} makes {things} for ${cost} each and sells {units} of them for ${price} each. Her rent is ${fixed}. "
        "What remains as profit?",
        "Sold: {units} {things} at ${price}. Cost of one: ${cost}. Rent: ${fixed}. What is the profit of {person}?",
        "Every one of {units} {things} brings {person} ${price} and costs her ${cost}. She also pays ${fixed} of "
        "rent. What profit is that?",
    ),
    casts=(
        {"person": "Mia", "things": "candles"},
        {"person": "Nora", "things": "mugs"},
        {"person": "Olga", "things": "scarves"},
        {"person": "Petra", "things": "baskets"},
        {"person": "Rosa", "things": "posters"},
        {"person": "Sara", "things": "toys"},
    ),
    method=(
        (
            "First subtract the ${cost} of making one from the ${price} it sells for.",
            "Take the price of ${price} and subtract the cost of ${cost}.",
            "Find what one brings: subtract ${cost} from ${price}.",
        ),
        (
            "Multiply this by the {units} {things}.",
            "Then multiply the gain on one by {units}.",
            "Next multiply it by the number of {things}, {units}.",
        ),
        (
            "Finally subtract the fixed ${fixed}.",
            "Last, subtract the fixed cost of ${fixed} that {person} has.",
            "From this subtract the ${fixed} of rent.",
        ),
    ),
    steps=(
        Step(
            "what is earned on them",
            (
                *near(rf"{MULTIPLY}|subtract|minus|differen", r"price|cost|revenue|\$"),
                r"\d ?- ?\$?\d",
                r"\bcosts?\b(?=[^\n]{0,20}\d times)",
            ),
        ),
        Step("times the units", near(MULTIPLY, r"number|units?|quantity|\d|all\b|items|sold")),
        Step(
            "less the fixed cost",
            (
                *near(SUBTRACT, r"rent|fixed|stall|shop|overhead|expens|costs\b|total cost"),
                r"(?:income|revenue|sales|takings).{0,60}(?:minus|-)",
                r"- ?(?:the )?(?:total |all )?(?:costs?\b|fixed|fee|rent|expens)",
            ),
        ),
    ),
    routes=(
        (
            Step("the takings", near(rf"{ADD}|{MULTIPLY}|\btotal", r"takings|revenue|sales|income|turnover|earnings")),
            Step(
                "less what making them costs",
                near(SUBTRACT, r"(?:cost|spent|price)[^.;\n]{0,30}(?:\bmak|\bmade|each|unit|material|produc)"),
            ),
            Step(
                "less the fixed cost",
                (r"\b(?:and|then|also|subtract|minus)\b[^.\n]{0,60}(?:rent|fixed|stall|shop|overhead)",),
            ),
        ),
    ),
    published_keywords=("cost", "multiply", "subtract", "profit"),
)
