"""What a name stands for, as data: a preset with its plugin and parameters, a suite with its first item, a model."""

from __future__ import annotations

import difflib
import types
from typing import Any, Literal, get_args, get_origin

from pydantic_core import PydanticUndefined, to_jsonable_python

from harness.contract import Params, TaskSuiteSpec
from harness.errors import HarnessError, UsageError, described
from harness.registry.catalogue import SINGULAR, Catalogue
from harness.registry.component import NONE, Component, build, install_command, missing_dependencies

Description = dict[str, Any]  # texts by title; "parameters": rows of them; of a suite "example"


def describe(catalogue: Catalogue, name: str) -> list[Description]:
    """Everything of that name, of whatever kind. Raises UsageError if there is nothing."""
    found = [_component(catalogue, kind, name) for kind in SINGULAR if catalogue.knows(kind, name)]
    if name in catalogue.models:
        found.append(_model(catalogue, name))
    if not found:
        raise UsageError(f"nothing is called {name!r}", _near(catalogue, name))
    return found


def _component(catalogue: Catalogue, kind: str, label: str) -> Description:
    preset = catalogue.preset_of(kind, label)
    if preset.plugin == NONE:
        return {"name": label, "kind": SINGULAR[kind], "summary": preset.summary, "parameters": []}
    spec, status = catalogue.spec(kind, preset.plugin)
    missing = missing_dependencies(spec)
    described: Description = {
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
        "compared with": ", ".join(filter(None, (preset.base, *preset.control))),
        "default model": preset.default_model or "",
        "what its parameters are": " ".join((spec.params.__doc__ or "").split()),
        "parameters": [],
    }
    if missing:
        return described
    component = catalogue.resolve(kind, label)
    described["parameters"] = _parameters(spec.params, component.params)
    return described | (_suite(catalogue, component) if kind == "tasks" else {})


def _parameters(params: type[Params], given: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, field in params.model_fields.items():
        default = field.get_default(call_default_factory=True)
        value = None if default is PydanticUndefined else to_jsonable_python(default, fallback=str)
        rows.append({"name": name, "type": type_name(field.annotation), "default": value, "value": given.get(name)})
    return rows


def type_name(annotation: Any) -> str:
    """As one writes it: "int | None", "one of strict, rubric"."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(str, args))
    if origin is types.UnionType or str(origin) == "typing.Union":
        return " or ".join(type_name(one) for one in args)
    if origin in (tuple, list):
        return f"list of {type_name(args[0])}" if args else "list"
    if annotation is type(None):
        return "none"
    return getattr(annotation, "__name__", str(annotation))


def _suite(catalogue: Catalogue, component: Component) -> Description:
    """Its axes, and its first item as it is asked."""
    spec, _ = catalogue.spec("tasks", component.plugin)
    assert isinstance(spec, TaskSuiteSpec)
    axes = spec.axes_under(component.params)
    found: Description = {}
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
        found["no example"] = described(error)
    return found


def _model(catalogue: Catalogue, name: str) -> Description:
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
    names = sorted({*catalogue.models, *(one for presets in catalogue.presets.values() for one in presets)})
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "`harness list` has every name"
