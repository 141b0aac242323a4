"""What `harness sensitivity` found of a model, read without torch."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, median

from harness.contract import ModelShape
from harness.contract.sensitivity import PLAN_FILE, SensitivityPlan
from harness.errors import UsageError
from harness.store.hashing import digest_file

LEAST = 1e-3  # of the median damage: what a unit counts at least, however harmless it looked


def file_of(path: str) -> Path:
    """The file itself, or the one of a run folder."""
    given = Path(path).expanduser()
    return given / PLAN_FILE if given.is_dir() else given


def digest_of(path: str) -> str:
    """ValueError if there is no such file."""
    file = file_of(path)
    if not file.is_file():
        raise ValueError(f"no sensitivity plan at {file}; `harness sensitivity` writes one")
    return digest_file(file)


def read_plan(path: str) -> SensitivityPlan:
    file = file_of(path)
    try:
        return SensitivityPlan.model_validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} is no sensitivity plan: {str(error).splitlines()[0]}", "write it again") from None


def shares(plan: SensitivityPlan, response: str | None, reverse: bool = False) -> dict[str, float]:
    """Unit -> its share of the damage, clamped from below; the mean over all responses if none is named.

    Raises UsageError for a response that the plan does not have.
    """
    if response is not None and response not in plan.effects:
        raise UsageError(f"the plan has no response {response!r}", f"one of {', '.join(plan.effects)}")
    wanted = [plan.effects[response]] if response else list(plan.effects.values())
    each = []
    for effects in wanted:
        positive = {unit: max(effect.damage, 0.0) for unit, effect in effects.items()}
        typical = median(positive.values()) or fmean(positive.values()) or 1.0
        clamped = {unit: max(value, LEAST * typical) for unit, value in positive.items()}
        total = sum(clamped.values())
        each.append({unit: value / total for unit, value in clamped.items()})
    found = {unit: fmean(one[unit] for one in each) for unit in each[0]}
    if reverse:
        order = sorted(found, key=lambda unit: found[unit])
        found = dict(zip(order, sorted(found.values(), reverse=True), strict=True))
    return found


def refuse_other_model(plan: SensitivityPlan, shape: ModelShape) -> None:
    """Raises UsageError unless the plan's Linears are the model's, of the same shapes."""
    own = {linear.name: (linear.rows, linear.columns) for linear in shape.linears}
    theirs = {name: (one.rows, one.columns) for name, one in plan.linears.items()}
    if own != theirs:
        odd = sorted(own.items() ^ theirs.items())[0][0]
        raise UsageError(
            f"the sensitivity plan is of another model, {plan.model}: they differ in {odd}", "sweep this model"
        )
