"""From what a user gave, on the command line, in files or in Python, to one validated experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.lm_eval.backends.arguments import merge_arguments
from harness.planning.chat_options import parse_template_args
from harness.planning.experiment import (
    SUITE_FLAGS,
    Experiment,
    experiment_from,
    parse_overrides,
    parse_seeds,
    read_experiment_file,
    split_models,
    split_names,
)

NAMES = ("trainer", "compressor", "tasks", "detectors")
PARSED = {"backend_args": merge_arguments, "params": parse_overrides, "template_args": parse_template_args}


def experiment_given(files: Iterable[str], options: Mapping[str, Any]) -> Experiment:
    """Experiment files, then the options given; later ones win.

    An option is what the command line takes, or the same as Python values: a comma list or a sequence of names,
    "41-46" or integers, "name.key=value" or a mapping.

    Raises:
        UsageError: a file that is none, or an option that does not parse; the line names it.
    """
    layers = []
    for file in files:
        if not file.startswith("@") and not file.endswith(".toml"):
            raise UsageError(f"unexpected argument {file!r}", "an experiment file ends in .toml or is written @FILE")
        layers.append(read_experiment_file(Path(file.removeprefix("@"))))
    given = {key: value for key, value in options.items() if value not in (None, [], (), {})}
    for key in NAMES:
        if key in given:
            given[key] = split_names(joined(given[key]))
    if "model" in given:
        given["model"] = split_models(joined(given["model"]))
    if "seeds" in given:
        given["seeds"] = parse_seeds(joined(given["seeds"]))
    for key, parse in PARSED.items():
        if key in given and not isinstance(given[key], Mapping):
            given[key] = parse(_listed(given[key]))
    flags = {flag: given.pop(flag) for flag in SUITE_FLAGS if flag in given}
    if flags:
        given["suite_flags"] = flags
    return experiment_from(*layers, given)


def _listed(value: Any) -> list[str]:
    """One value or several, as texts."""
    return [str(value)] if isinstance(value, str | int | Path) else [str(one) for one in value]


def joined(value: Any) -> str:
    """Names, paths or numbers as the command line takes them: a comma list."""
    return ",".join(_listed(value))
