"""`harness.run`, `harness.plan` and `harness.load_run`: the command's grammar as keyword arguments."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pydantic import JsonValue

from harness.api.launch import WHOLE, Workers, carry_out, prepare
from harness.api.plan import Planned
from harness.api.planned import planned
from harness.api.result import Run
from harness.planning.experiment import split_names
from harness.planning.given import experiment_given, joined
from harness.registry.name_sources import NameSources
from harness.store.remote import STORE
from harness.store.run import RunStore

WORKERS = ("executor", "jobs", "silence", "ray_address")
Names = str | Sequence[str]
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class Options(TypedDict, total=False):
    """What an experiment takes, by the names of the command's options. Lists may be comma lists, as there."""

    compressor: Names
    tasks: Names
    model: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    trainer: Names
    train_on: str  # the suite that trainers train on, where it is not the one that judges
    detectors: Names
    items: int  # per family
    grader: str
    data: str
    sandbox: str
    accept_weak_isolation: bool
    include_path: str
    limit: int | None  # only the first N items of each suite
    runs: int  # how often each question is asked
    seeds: int | str | Sequence[int]
    temperature: float
    top_p: float
    max_tokens: int
    batch_size: int
    device: str
    dtype: str
    baseline: bool
    chat_template: str
    template_args: Mapping[str, JsonValue]
    system: str
    backend: str
    backend_args: Mapping[str, JsonValue] | Names
    params: Mapping[str, Mapping[str, JsonValue]] | Names  # {name: {parameter: value}} or "name.parameter=value"


class Sources(TypedDict, total=False):
    """Where names come from, as the options before the command's verb."""

    plugins_dir: Paths
    registry: Paths
    plugins: Names  # plugins that are loaded only where they are named, as trackers
    without: Names  # plugins to leave out


class RunOptions(Options, Sources, total=False):
    executor: str
    jobs: int
    silence: float
    ray_address: str
    store: str  # URL of a store that the run shares; default: HARNESS_STORE


class PlanOptions(Options, Sources, total=False):
    pass


def run(
    *experiment: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, **options: Unpack[RunOptions]
) -> Run:
    """Run what the command `harness run` would with the same options, in the same folder; the same call resumes.

    `experiment` are files with options, which the ones given here override; `out` is the run folder (default:
    runs/NAME, by what is asked). A cell that fails does not raise: see `Run.complete`.

        harness.run(compressor=["none", "ultra3"], tasks="goodhart7", model="pocket", out="runs/first")

    Raises:
        TypeError: there is no such option.
        harness.errors.HarnessError: nothing was run, for the cause that it names.
    """
    given: dict[str, Any] = dict(options)
    names = _sources(given)
    remote = given.pop("store", None) or os.environ.get(STORE)
    workers = Workers(**{key: given.pop(key) for key in WORKERS if key in given})
    asked = experiment_given([os.fspath(file) for file in experiment], _known(given))
    launch = prepare(asked, names, _folder(out), workers)
    return Run(launch.store, names, carry_out(launch, WHOLE, _command(names, launch.store.folder), remote).report)


def plan(
    *experiment: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, **options: Unpack[PlanOptions]
) -> Planned:
    """What `run` would do with the same options: its cells, contrasts and sizes. Nothing is run, and no torch imported."""
    given: dict[str, Any] = dict(options)
    names = _sources(given)
    asked = experiment_given([os.fspath(file) for file in experiment], _known(given))
    made, store = planned(asked, names.catalogue, _folder(out))
    return Planned(made, store, names)


def load_run(folder: str | os.PathLike[str], **sources: Unpack[Sources]) -> Run:
    """The run in that folder, whoever made it.

    Raises:
        harness.errors.UsageError: the folder is not a run, or its plan is damaged.
    """
    return Run(RunStore(Path(folder)), _sources(dict(sources)))


def _known(given: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(given.keys() - Options.__optional_keys__):
        raise TypeError(f"no option {unknown[0]!r}; one of {', '.join(sorted(Options.__optional_keys__))}")
    return given


def _sources(given: dict[str, Any]) -> NameSources:
    """Takes what is its own out of the options."""
    disabled, requested = (split_names(joined(given.pop(key, ()))) for key in ("without", "plugins"))
    return NameSources(_paths(given.pop("plugins_dir", ())), _paths(given.pop("registry", ())), disabled, requested)


def _folder(out: str | os.PathLike[str] | None) -> Path | None:
    return None if out is None else Path(out)


def _paths(given: Paths) -> tuple[Path, ...]:
    return tuple(Path(one) for one in ([given] if isinstance(given, str | os.PathLike) else given))


def _command(names: NameSources, folder: Path) -> str:
    """The command that repeats a run which Python asked for."""
    leading = [("--plugins-dir", str(path)) for path in names.plugins_dirs]
    leading += [("--registry", str(path)) for path in names.registries]
    leading += [("-p", f"no:{name}") for name in names.disabled] + [("-p", name) for name in names.requested]
    before = [part for pair in leading for part in pair]
    return shlex.join(["harness", *before, "run", str(folder / "config.toml"), "--out", str(folder)])
