"""Which cells are compared with which: pairs that differ in one factor."""

from __future__ import annotations

from collections.abc import Sequence

from harness.planning.cells import Cell, Contrast
from harness.registry.component import NONE, Component


def contrasts_between(cells: Sequence[Cell]) -> list[Contrast]:
    """A compressor against `none` under the same trainer and seed; a trainer against `vanilla`, else `none`; an arm
    against its controls. Only cells of one model, suite and seed are ever paired."""
    by_arms = {(c.model.digest, c.suite.label, c.seed, c.trainer.label, c.compressor.label): c for c in cells}
    found: dict[tuple[str, str], Contrast] = {}
    controls: list[tuple[Cell, Cell]] = []
    for cell in cells:
        frame = (cell.model.digest, cell.suite.label, cell.seed)
        trainer, compressor = cell.trainer, cell.compressor
        controlled = by_arms.get((*frame, trainer.label, compressor.treatment.label)) if compressor.treatment else None
        if controlled:
            controls.append((cell, controlled))
        only_a_draw = compressor.draw_of and controlled  # it stands beside its treatment, not by itself
        compressor_bases = () if compressor.untouched or only_a_draw else (NONE, *compressor.control)
        trainer_bases = () if trainer.untouched else (_trainer_base(trainer, cells), *trainer.control)
        for base in compressor_bases:
            _pair(found, by_arms.get((*frame, trainer.label, base or "")), cell, "compressor")
        for base in trainer_bases:
            _pair(found, by_arms.get((*frame, base or "", compressor.label)), cell, "trainer")
    for control, controlled in controls:  # last: an arm's first contrast stands beside it in the results
        _pair(found, control, controlled, "control")
    return list(found.values())


def _pair(found: dict[tuple[str, str], Contrast], base: Cell | None, other: Cell, factor: str) -> None:
    if base is not None and base.id != other.id:
        found.setdefault((base.id, other.id), Contrast(base=base.id, other=other.id, factor=factor))


def _trainer_base(trainer: Component, cells: Sequence[Cell]) -> str:
    """The plain arm of the same training, if the run has one: the preset's `base`, else `none`."""
    labels = {cell.trainer.label for cell in cells}
    return trainer.base if trainer.base and trainer.base in labels - {trainer.label} else NONE
