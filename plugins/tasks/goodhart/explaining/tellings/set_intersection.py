"""What the given overlap is and what is asked: both, neither, or exactly one."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

WHO = "[number of] (people|those) (who|that) like"
TOTAL = "total [number of people|people|number]; (number of|all) people"
BOTH = f"{WHO} (both|{{one}} and {{two}}); (both|overlap|intersection)"
NEITHER = f"{WHO} neither; neither"
AT_LEAST = f"{WHO} (at least one|either|{{one}} or {{two}}) [of them]; at least one; union"
ONLY = f"{WHO} (only|just) {{it}}; (only|just) {{it}}"
EXACTLY = f"{WHO} (just|only|exactly) one [of them]; (just|exactly) one"


def quantities(known: Known, both_given: int, exactly_one: int) -> list[Quantity]:
    total, a, b, number = known("total", "a", "b", "neither")
    one, two = known.words["one"], known.words["two"]

    def about(nouns: str, it: str = "") -> str:
        return nouns.replace("{one}", one).replace("{two}", two).replace("{it}", it)

    both = number if both_given else a + b - (total - number)
    some = a + b - both
    neither = total - some
    exactly = [
        Quantity(f"who like only {one}", a - both, about(ONLY, one)),
        Quantity(f"who like only {two}", b - both, about(ONLY, two)),
        Quantity("twice the overlap", both * 2),
        Quantity("exactly one", some - both, about(EXACTLY)),
    ]
    asked = exactly[-1:] if exactly_one else []
    answer = (
        Quantity("the overlap", both, about(BOTH)) if not both_given else Quantity("neither", neither, about(NEITHER))
    )
    return [
        Quantity("all people", total, TOTAL, given=True),
        Quantity(f"who like {one}", a, f"{WHO} {one}; {one}", given=True),
        Quantity(f"who like {two}", b, f"{WHO} {two}; {two}", given=True),
        Quantity("the number given", number, about(BOTH if both_given else NEITHER), given=True),
        Quantity("the sum of both", a + b, "(total|sum|combined)"),
        Quantity("at least one", some, about(AT_LEAST)),
        *([answer] if exactly_one else exactly),
        *(exactly[:-1] if exactly_one else []),
        *(asked or [answer]),
    ]


TELLING = Telling(quantities)
