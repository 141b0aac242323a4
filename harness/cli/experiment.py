"""From files and options to one validated experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from harness.lm_eval.backends.arguments import merge_arguments
from harness.planning.experiment import (
    SUITE_FLAGS,
    Experiment,
    experiment_from,
    parse_overrides,
    parse_seeds,
    parse_template_args,
    read_experiment_file,
    split_models,
    split_names,
)


def make_experiment(files: list[str], options: dict[str, Any]) -> Experiment:
    """Experiment files, then the options given; later ones win."""
    layers = []
    for file in files:
        if not file.startswith("@") and not file.endswith(".toml"):
            raise typer.BadParameter(
                f"unexpected argument {file!r}; an experiment file ends in .toml or is written @{file}"
            )
        layers.append(read_experiment_file(Path(file.removeprefix("@"))))
    given = {key: value for key, value in options.items() if value not in (None, [], ())}
    for key in ("model", "trainer", "compressor", "tasks", "detectors"):
        if key in given:
            given[key] = (split_models if key == "model" else split_names)(",".join(given[key]))
    if "seeds" in given:
        given["seeds"] = parse_seeds(given["seeds"])
    flags = {flag: given.pop(flag) for flag in SUITE_FLAGS if flag in given}
    if flags:
        given["suite_flags"] = flags
    if "backend_args" in given:
        given["backend_args"] = merge_arguments(given["backend_args"])
    if "params" in given:
        given["params"] = parse_overrides(given["params"])
    if "template_args" in given:
        given["template_args"] = parse_template_args(given["template_args"])
    return experiment_from(*layers, given)
