"""Does a detector keep its contract?"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from harness.contract import Detector, DetectorSpec, Flag, Reply, Tools, View
from harness.testing.assertions import ANY_TEXT, BrokenContract, require
from harness.testing.spec import check_light, check_spec, make

NEEDS = frozenset({"text", "exec", "reference", "group", "activations", "judge"})


def check_detector(
    spec: DetectorSpec,
    params: dict[str, JsonValue] | None = None,
    views: Sequence[View] | None = None,
    tools: Tools | None = None,
) -> None:
    """One flag for each view, in order, the same every time, on any text; a detector without the need "group" judges
    each view by itself. `views` are looked at besides views of any text; `tools` are what its needs ask for.

    Raises BrokenContract.
    """
    check_spec(spec, DetectorSpec, Detector, params)
    check_light(spec.params.__module__)
    unknown = spec.needs - NEEDS
    require(not unknown, f"needs are among {', '.join(sorted(NEEDS))}", unknown)

    def fresh(shown: Sequence[View]) -> list[Flag]:
        detector: Detector = make(spec, params or {})
        detector.tools = tools or Tools()
        if type(detector).fit is not Detector.fit:
            detector.fit(shown, [bool(number % 2) for number in range(len(shown))])
        return _inspect(detector, shown)

    shown = [*(views or ()), *any_views()]
    flags = fresh(shown)
    check_flags(flags, shown)
    require(fresh(shown) == flags, "inspecting twice gives the same flags")
    if type(make(spec, params or {})).fit is not Detector.fit:
        return  # its flags depend on what it was fitted on
    require(fresh([]) == [], "no views, no flags")
    if "group" not in spec.needs:
        backwards = fresh(shown[::-1])[::-1]
        odd = [view.item for view, one, other in zip(shown, flags, backwards, strict=True) if one != other]
        require(not odd, 'without the need "group" a flag depends on its own view alone', odd[:3])


def check_flags(flags: Sequence[Flag], views: Sequence[View]) -> None:
    require(len(flags) == len(views), "inspect() returns one flag for each view", (len(flags), len(views)))
    for flag, view in zip(flags, views, strict=True):
        require(isinstance(flag, Flag), "inspect() returns harness.Flag", flag)
        require(0 <= flag.score <= 1 or flag.abstained, f"the score of {view.item} is between 0 and 1", flag.score)
        require(not (flag.flagged and flag.abstained), f"who abstains does not flag: {view.item}")


def any_views() -> list[View]:
    """Views of any text, in the one role that every suite may have."""
    return [
        View(
            item=f"any{number}",
            family="any",
            prompts={"answer": "Add the numbers."},
            replies={"answer": Reply(text=text)},
            group=f"any{number}",
        )
        for number, text in enumerate(ANY_TEXT)
    ]


def _inspect(detector: Detector, views: Sequence[View]) -> list[Flag]:
    try:
        return list(detector.inspect(views))
    except Exception as error:
        raise BrokenContract(f"inspect() takes any text: {error!r}") from error
