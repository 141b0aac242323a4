"""Servings in all or servings more; batches to make, or bowls to fill."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

CUPS = """[original|initial] (amount|cups|quantity) [of {food}] [needed|required] [(in|for) (the|an) original recipe]
    original (recipe|{food}); [cups of] {food}; cups"""
OLD = """(original|old|initial|current|given) [number of] (servings|serving size|recipe|number); original recipe's servings
    servings in the original [recipe]; original"""
MORE = "(additional|extra|more) servings; servings more"
NEW = "(new|desired|target|required|rewritten) [number of] (servings|serving size|recipe|number)"
ALL = "(new|total|desired|final|combined) [number of] servings; servings"
FACTOR = "(scaling|scale|conversion|multiplication) (factor|ratio); factor; ratio"
ONE = """(amount of {food}|{food}|cups|cups of {food}|amount) [needed|required] (per|for (one|each|a single|1)) serving
    (unit|per-serving|single serving) (amount|rate)"""
REWRITTEN = """(amount|cups) [of {food}] [needed|required] (for|in|per) [the|one|each|a] [new|rewritten] (recipe|batch)
    [amount of] {food} [needed|required] (for|in|of) [the|one|each] [rewritten|new] (recipe|\\d+ servings|batch)
    (scaled|new|adjusted|rewritten) [recipe|amount|quantity] [of] (recipe|amount|quantity|{food})"""
IN_ALL = """total [amount|amount of] [{food}] [needed|required]; total; final (amount|answer)
    [amount of] {food} (per|in each|for each) bowl"""


def quantities(known: Known, more: int, split: int) -> list[Quantity]:
    cups, old, new, batches = known("cups", "old", "new", "batches")
    servings = old + new if more else new
    rewritten = cups * servings / old

    def about(nouns: str) -> str:
        return nouns.replace("{food}", known.words["food"])

    return [
        Quantity("the cups", cups, about(CUPS), given=True),
        Quantity("the old servings", old, OLD, given=True),
        Quantity("the new servings", new, MORE if more else NEW, given=True),
        Quantity("the batches", batches, "[number of] (batches|bowls)", given=True),
        Quantity("all servings", servings, ALL),
        *([Quantity("the cups for the extra servings", cups * new / old)] if more else []),
        Quantity("the factor", servings / old, FACTOR),
        Quantity("the cups for one serving", cups / old, about(ONE)),
        Quantity("all servings of all batches", servings * batches, "total [number of] servings"),
        Quantity("the cups times all servings", cups * servings),
        Quantity("the batches for one old serving", batches / old),
        Quantity("the cups for one rewritten recipe", rewritten, about(REWRITTEN)),
        Quantity("the cups for all batches of the old recipe", cups * batches),
        Quantity("the answer", rewritten / batches if split else rewritten * batches, about(IN_ALL)),
    ]


TELLING = Telling(quantities)
