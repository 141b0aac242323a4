"""What planning must know about a judge: whether one is wanted, and that no secret of it is written down."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from harness.errors import UsageError
from harness.lm_eval.backends.arguments import parse_arguments, refuse_secret_values, refuse_secrets
from harness.lm_eval.backends.withheld import withhold


def wants_judge(params: Mapping[str, JsonValue]) -> bool:
    """Do a detector's parameters name a model to ask? `model` is a registry entry, a folder or a hub id; with `backend`
    it is that lm-eval backend's argument string, e.g. "model=gpt-4o-mini,base_url=http://localhost:8000/v1"."""
    return bool(params.get("model"))


def refuse_written_secrets(params: Mapping[str, JsonValue]) -> None:
    """Raises UsageError for a secret among a plugin's parameters or a judge's backend arguments: all of them are
    written to the run folder."""
    refuse_secret_values(params)
    if params.get("backend") and wants_judge(params):
        given = parse_arguments(str(params["model"]))
        refuse_secrets(given)
        for name, value in withhold(given).items():
            if value != given[name]:
                raise UsageError(
                    f"judge argument {name!r} may hold a secret, and parameters are kept in the run folder",
                    f"write {name}=env:VARIABLE or {name}=file:PATH",
                )
