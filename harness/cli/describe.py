"""`harness describe`: what a name stands for."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completion
from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.registry.catalogue import Catalogue

LONGEST = 600  # characters of a prompt


def describe(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="A preset, plugin or model, as `harness list` names them; NAME@VALUE too.",
            autocompletion=completion.names("compressors", "tasks", "trainers", "detectors", "models"),
        ),
    ],
    json: o.Json = False,
    wide: o.Wide = False,
) -> None:
    catalogue = global_options(context).catalogue
    found = [_component(catalogue, kind, name) for kind in catalogue.presets if _known(catalogue, kind, name)]
    if name in catalogue.models:
        found.append(_model(catalogue, name))
    if not found:
        raise UsageError(f"nothing is called {name!r}", _near(catalogue, name))
    if json:
        print(json_module.dumps(found, indent=1))
        return
    for one in found:
        _print(one, wide)


def _known(catalogue: Catalogue, kind: str, name: str) -> bool:
    try:
        catalogue.plugin_of(kind, name)
    except UsageError as error:
        if error.cause.startswith("unknown"):
            return False
        raise
    return True


def _component(catalogue: Catalogue, kind: str, label: str) -> dict[str, Any]:
    from harness.registry.catalogue import SINGULAR
    from harness.registry.component import NONE, install_command, missing_dependencies

    preset = catalogue.preset_of(kind, label)
    if preset.plugin == NONE:
        return {"name": label, "kind": SINGULAR[kind], "summary": preset.summary, "parameters": []}
    spec, status = catalogue.spec(kind, preset.plugin)
    missing = missing_dependencies(spec)
    described: dict[str, Any] = {
        "name": label,
        "kind": SINGULAR[kind],
        "summary": preset.summary or spec.summary,
        "plugin": f"{spec.name}: {spec.summary}" if preset.name != spec.name else spec.name,
        "declared in": preset.origin if preset.name != spec.name else "",
        "source": f"{spec.target} ({status.distribution} {status.version})",
        "needs": ", ".join(sorted(spec.needs)),
        "not installed": f"{', '.join(missing)}; {install_command(spec)}" if missing else "",
        "suffixes": ", ".join(
            f"NAME{mark}VALUE sets {parameter}"
            for mark, parameter in (("@", preset.at), (":", preset.colon), ("/", preset.slash))
            if parameter
        ),
        "compared with": ", ".join(filter(None, (preset.base, preset.control))),
        "default model": preset.default_model or "",
        "what its parameters are": " ".join((spec.params.__doc__ or "").split()),
        "parameters": [],
    }
    if missing:
        return described
    component = catalogue.resolve(kind, label)
    described["parameters"] = _parameters(spec.params, component.params)
    return described | (_suite(catalogue, component) if kind == "tasks" else {})


def _parameters(params: type, given: dict[str, Any]) -> list[dict[str, Any]]:
    from pydantic_core import PydanticUndefined, to_jsonable_python

    rows = []
    for name, field in params.model_fields.items():  # type: ignore[attr-defined]
        default = field.get_default(call_default_factory=True)
        value = None if default is PydanticUndefined else to_jsonable_python(default, fallback=str)
        rows.append({"name": name, "type": _type(field.annotation), "default": value, "value": given.get(name)})
    return rows


def _type(annotation: Any) -> str:
    """As one writes it: "int | None", "one of strict, rubric"."""
    import types
    from typing import Literal, get_args, get_origin

    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(str, args))
    if origin is types.UnionType or str(origin) == "typing.Union":
        return " or ".join(_type(one) for one in args)
    if origin in (tuple, list):
        return f"list of {_type(args[0])}" if args else "list"
    if annotation is type(None):
        return "none"
    return getattr(annotation, "__name__", str(annotation))


def _suite(catalogue: Catalogue, component: Any) -> dict[str, Any]:
    """Its axes, and its first item as it is asked."""
    from harness.contract import TaskSuiteSpec
    from harness.registry.component import build

    spec, _ = catalogue.spec("tasks", component.plugin)
    assert isinstance(spec, TaskSuiteSpec)
    axes = spec.axes_under(component.params)
    found: dict[str, Any] = {}
    if axes:
        rates = ", ".join(f"{rate.short or rate.name} ({rate.title})" for rate in axes.rates)
        found = {"proxy": axes.proxy, "truth": axes.truth, "rates": rates}
    try:
        suite = build(component, spec)
        item = next(iter(suite.items()))
        found["example"] = {
            "item": item.id,
            "family": item.family,
            "prompts": [
                {"role": prompt.role, "text": prompt.text, "continuations": list(prompt.continuations)}
                for prompt in suite.prompts(item)
            ],
        }
    except HarnessError as error:  # a file or data set that has to be named first
        found["no example"] = str(error)
    except Exception as error:  # a plugin's suite may raise anything
        found["no example"] = " ".join(f"{type(error).__name__}: {error}".split())
    return found


def _model(catalogue: Catalogue, name: str) -> dict[str, Any]:
    model = catalogue.models[name]
    return {
        "name": name,
        "kind": "model",
        "summary": model.summary,
        "path": model.path,
        "declared in": model.origin,
        "calibration": model.calibration or "self",
        "not installed": f"{model.missing}; {model.install}" if model.missing else "",
        "note": model.note,
        "parameters": [],
    }


def _near(catalogue: Catalogue, name: str) -> str:
    import difflib

    names = sorted({*catalogue.models, *(one for presets in catalogue.presets.values() for one in presets)})
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "`harness list` has every name"


# ------------------------------------------------------------------------------------------------------------ on the screen


def _print(described: dict[str, Any], wide: bool) -> None:
    from harness.report.table import Column, Table, text_cell
    from harness.report.terminal import print_table

    console = stdout_console()
    console.print(f"{described['name']} · {described['kind']}", style="bold", markup=False, highlight=False)
    console.print(described["summary"], markup=False, highlight=False)
    facts = plain_table("", "")
    facts.show_header = False
    for name, value in described.items():
        if isinstance(value, str) and value and name not in ("name", "kind", "summary"):
            facts.add_row(name, value)
    console.print(facts, markup=False)
    if rows := described["parameters"]:
        columns = (
            Column("name", "parameter"),
            Column("value", "value", "left", -1),
            Column("default", "default", "left", 2),
            Column("type", "type", "left", 1),
        )
        lines = tuple(
            (
                text_cell(row["name"]),
                *(text_cell(_short(row[key])) for key in ("value", "default")),
                text_cell(row["type"]),
            )
            for row in rows
        )
        print()
        print_table(Table("parameters", "", columns, lines), console, wide)
    if example := described.get("example"):
        print()
        console.print(
            f"first item: {example['item']} ({example['family']})", style="bold", markup=False, highlight=False
        )
        for prompt in example["prompts"]:
            console.print(f"▸ {prompt['role']}", style="bold", markup=False, highlight=False)
            console.print(_cut(prompt["text"]), markup=False, highlight=False)
            for continuation in prompt["continuations"]:
                console.print(f"  or: {_cut(continuation)}", style="dim", markup=False, highlight=False)
    print()


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"
