"""What a user asked for, before anything is looked up: names, sampling and overrides, as one validated record.

It comes from the command line, from an experiment file (TOML), or both (the command line wins), and is written fully resolved
to the run folder's config.toml, so that re-running that file repeats the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from harness.contract import Record
from harness.errors import UsageError
from harness.lm_eval.backends.arguments import refuse_evident
from harness.lm_eval.backends.withheld import withhold
from harness.planning.chat_options import ChatOptions
from harness.planning.typed_value import typed_value
from harness.store.files import read_toml

SUITE_FLAGS = (
    "items",
    "grader",
    "data",
    "sandbox",
    "include_path",
)  # each sets the suite parameter of that name


MOST_SEEDS = 10_000
SEED_DIGITS = 18  # what torch takes as a seed
MOST_RUNS = 100_000


class Experiment(Record):
    """A cross product: models × trainers × compressors × tasks × seeds. Names follow the registry's grammar."""

    name: str | None = None  # of the run folder; None: derived from the tasks, the model and the frame
    model: tuple[str, ...] = ()  # empty: each suite's default model
    trainer: tuple[str, ...] = ("none",)
    compressor: tuple[str, ...] = ("none",)
    tasks: tuple[str, ...] = ()
    train_on: str | None = None  # the suite that trainers train on; None: the one that judges the arm
    detectors: tuple[str, ...] = ()
    baseline: bool = True
    seeds: tuple[int, ...] = Field(default=(42,), max_length=MOST_SEEDS)
    runs: int = Field(default=1, ge=1, le=MOST_RUNS)  # repeats inside a cell; run r draws noise repeat r
    temperature: float = Field(default=0.0, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    max_tokens: int | None = Field(default=None, ge=1)  # overrides every prompt's own limit
    limit: int | None = Field(default=None, ge=1)  # first N items of each suite, for a quick look
    batch_size: int = Field(default=64, ge=1)
    device: str = "auto"
    dtype: str = Field(default="auto", pattern="^(auto|float32|bfloat16|float16)$")
    chat_template: str | None = None  # a file or the name of one of the model's; None: its default
    template_args: dict[str, JsonValue] = {}  # variables of the template
    system: str | None = None  # a system turn before every prompt
    backend: str | None = None  # the lm-eval backend that samples; None: the harness's own generator
    backend_args: dict[str, JsonValue] = {}  # never a secret: see `withheld`
    accept_weak_isolation: bool = False  # suites may judge programs in a sandbox that a program can leave
    suite_flags: dict[str, JsonValue] = {}
    params: dict[str, dict[str, JsonValue]] = {}  # name as selected -> parameter -> value (-P name.key=value)
    trainers: dict[str, dict[str, JsonValue]] = {}  # this experiment's own presets, as in a registry.toml
    compressors: dict[str, dict[str, JsonValue]] = {}
    suites: dict[str, dict[str, JsonValue]] = {}  # a registry.toml's [tasks.NAME]; `tasks` says which are selected

    @property
    def chat(self) -> ChatOptions:
        return ChatOptions(template=self.chat_template, args=self.template_args, system=self.system)

    @property
    def presets(self) -> dict[str, dict[str, dict[str, JsonValue]]]:
        """Heading -> name -> table: this experiment's own presets."""
        own = {"trainers": self.trainers, "compressors": self.compressors, "suites": self.suites}
        return {heading: tables for heading, tables in own.items() if tables}


def experiment_from(*layers: dict[str, Any]) -> Experiment:
    """Merge layers, later ones winning (tables key by key, and of `params` parameter by parameter), and validate; an error
    names the field."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            merged[key] = _over(merged.get(key), value, deep=key == "params")
    for name in _left_out(layers, merged):
        merged["params"] = {label: value for label, value in merged["params"].items() if label != name}
    if isinstance(given := merged.get("backend_args"), dict):
        refuse_evident(given)
        merged["backend_args"] = withhold(given)
    try:
        experiment = Experiment.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    for name, value in experiment.model_dump(mode="json").items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # no record could hold it
            raise UsageError(f"{name}: {value!r} is no text in UTF-8") from None
    return experiment


def _left_out(layers: Sequence[dict[str, Any]], merged: dict[str, Any]) -> Iterator[str]:
    """Names that a layer selects and sets parameters of, and that a later one neither selects nor speaks of."""
    for at, layer in enumerate(layers):
        for key in ("tasks", "trainer", "compressor"):
            if not isinstance(layer.get(key), list | tuple):
                continue
            for name in set(layer[key]) - set(merged[key]):
                if name in layer.get("params", {}) and not any(
                    name in one.get("params", {}) for one in layers[at + 1 :]
                ):
                    yield name


def _over(before: Any, value: Any, deep: bool) -> Any:
    if not (isinstance(before, dict) and isinstance(value, dict)):
        return value
    return before | {name: _over(before.get(name), one, deep=False) if deep else one for name, one in value.items()}


def read_experiment_file(path: Path) -> dict[str, Any]:
    """The fields of Experiment, comma lists allowed where lists are; [trainers.NAME], [compressors.NAME] and [suites.NAME]
    are presets."""
    try:
        table = read_toml(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"bad experiment file {path}: {error}") from None
    for key in ("model", "trainer", "compressor", "tasks", "detectors"):
        if isinstance(table.get(key), str):
            table[key] = (split_models if key == "model" else split_names)(table[key])
    if isinstance(table.get("seeds"), str | int):
        table["seeds"] = parse_seeds(str(table["seeds"]))
    return table


def split_names(text: str) -> tuple[str, ...]:
    """A comma list of names, order kept, repeats dropped."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def split_models(text: str) -> tuple[str, ...]:
    """A comma list of models; a folder or file that exists is taken whole, whatever commas its path has."""
    parts = text.split(",")
    found: dict[str, None] = {}
    while parts:
        for length in range(len(parts), 0, -1):
            model = ",".join(parts[:length]).strip()
            if length == 1 or Path(model).expanduser().exists():
                break
        parts = parts[length:]
        if model:
            found[model] = None
    return tuple(found)


def parse_seeds(text: str) -> tuple[int, ...]:
    """ "41-46", "42" or "1,3,7-9" -> the seeds, in order."""
    seeds: list[int] = []
    for part in split_names(text):
        if not (match := re.fullmatch(r"(\d+)(?:-(\d+))?", part)):
            raise UsageError(f"bad seeds {text!r}", "write 42, 41-46 or 1,3,7-9")
        if max(len(match[1]), len(match[2] or "")) > SEED_DIGITS:
            raise UsageError(f"bad seeds {text[:40]!r}: a seed has at most {SEED_DIGITS} digits")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"bad seeds {part!r}: the range runs backwards")
        if last - first >= MOST_SEEDS - len(seeds):
            raise UsageError(f"bad seeds {text[:40]!r}: at most {MOST_SEEDS} seeds", "name fewer")
        seeds.extend(range(first, last + 1))
    return tuple(dict.fromkeys(seeds))


def parse_overrides(assignments: list[str]) -> dict[str, dict[str, JsonValue]]:
    """`-P name.key=value` -> {name: {key: value}}; values are TOML where they parse as such, else plain strings."""
    overrides: dict[str, dict[str, JsonValue]] = {}
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        name, dot, key = target.rpartition(".")
        if not (equals and dot and name and key):
            raise UsageError(f"bad -P {assignment!r}", "write -P name.parameter=value")
        overrides.setdefault(name, {})[key] = typed_value(text)
    return overrides
