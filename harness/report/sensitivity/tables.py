"""A finished screen as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.sensitivity import Effect
from harness.planning.screening import Screen
from harness.report.sensitivity.found import ERROR, Found

CLEAR = 2.0  # standard errors beyond which a damage is marked, if it is also above the noise of the null probes
MOST = 40  # units in a table: the most damaging ones


def markdown(found: Found, command: str) -> str:
    return (
        "\n".join(
            [
                f"# Sensitivity of {found.screen.unit}s to {found.screen.compressor}",
                "",
                f"    {command}",
                "",
                *_lines(found),
            ]
        )
        + "\n"
    )


def _lines(found: Found) -> Iterator[str]:
    screen = found.screen
    runs = ", ".join(f"{len(screen.of(design))} {design}" for design in screen.designs)
    others = f"{len(screen.of('null'))} null probes, an identity run, the whole compression"
    yield f"{len(screen.units)} {screen.unit}s; runs: {runs}, and {others}."
    yield "Damage is how much the mean response falls when the unit is compressed (± one standard error over clusters of items,"
    yield f"paired); \\* more than {CLEAR:g} standard errors and more than the null probes' noise."
    for design in screen.designs:
        yield from ("", f"## {design}", "")
        yield from _effects(found, design)
    yield from ("", "## Controls", "")
    yield "| response | items | whole | null probes, largest | identity, largest | random masks: foretold / measured |"
    yield "|---|---|---|---|---|---|"
    for name, one in found.controls.items():
        masks = ", ".join(f"{_number(a)} / {_number(b)}" for a, b in one.foretold) or "–"
        row = (name, str(found.items[name]), _effect(one.whole), _number(one.noise), _number(one.identity), masks)
        yield f"| {' | '.join(row)} |"
    yield from ("", "## Agreement (Spearman's ρ over units)", "")
    yield "| response | pair | ρ |"
    yield "|---|---|---|"
    for name in found.effects:
        for (a, b), rho in found.agreement(name).items():
            yield f"| {name} | {a} – {b} | {'–' if rho is None else f'{rho:+.2f}'} |"


def _effects(found: Found, design: str) -> Iterator[str]:
    names = list(found.effects)
    order = sorted(range(len(found.screen.units)), key=lambda index: -_rank(found, design, index))[:MOST]
    shown = sorted(order)
    yield f"| {found.screen.unit} | {' | '.join(names)} | {ERROR} |"
    yield f"|{'---|' * (len(names) + 2)}"
    for index in shown:
        cells = []
        for name in names:
            one = found.effects[name][design][index]
            clear = one.error is not None and one.damage > max(CLEAR * one.error, found.controls[name].noise)
            cells.append(_effect(one) + (" \\*" if clear else ""))
        yield f"| {found.screen.units[index]} | {' | '.join(cells)} | {found.errors[index]:.4f} |"
    if len(shown) < len(found.screen.units):
        yield f"\nThe {MOST} most damaging of {len(found.screen.units)}."


def _rank(found: Found, design: str, index: int) -> float:
    """The unit's largest damage, as a share of the whole's."""
    return max(
        each[design][index].damage / (abs(found.controls[name].whole.damage) or 1.0)
        for name, each in found.effects.items()
    )


def _effect(one: Effect) -> str:
    return _number(one.damage) if one.error is None else f"{_number(one.damage)} ± {_number(one.error)}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def summary_line(screen: Screen, found: Found) -> str:
    """The unit that matters most for each response."""
    design = screen.designs[0]
    most = []
    for name in screen.responses:
        effects = found.effects[name][design]
        index = max(range(len(effects)), key=lambda at: effects[at].damage)
        most.append(f"{name}: {screen.unit} {screen.units[index]} ({_effect(effects[index])})")
    return f"most damaging by {design}: " + "; ".join(most)
