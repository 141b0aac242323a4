"""What holds for the spec of every kind of plugin."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

from pydantic import JsonValue, ValidationError

from harness.contract import Params, Spec
from harness.registry.plugin_files import PREFIX
from harness.testing.assertions import BrokenContract, require

MARKS = set("@:/,=. \t\n")  # of the command line's grammar


def check_spec(spec: Spec, kind: type[Spec], base: type, given: dict[str, JsonValue] | None = None) -> None:
    """The spec is of `kind`, says what it should, takes the `given` parameters, and its target is a subclass of `base`."""
    require(isinstance(spec, kind), f"the hook returns {kind.__name__}", spec)
    require(bool(spec.name) and not MARKS & set(spec.name), "a name has none of @ : / , = . or white space", spec.name)
    require(bool(spec.summary) and "\n" not in spec.summary, "the summary is one line", spec.summary)
    check_params(spec.params, given or {})
    factory = import_target(spec)
    require(isinstance(factory, type) and issubclass(factory, base), f"the target is a {base.__name__}", factory)


def check_params(params: type[Params], given: dict[str, JsonValue]) -> None:
    """The given parameters and the defaults of all others hold and survive JSON; unknown ones are refused."""
    require(isinstance(params, type) and issubclass(params, Params), "params is a subclass of harness.Params", params)
    try:
        made = params.model_validate(given)
        again = params.model_validate(made.model_dump(mode="json"))
    except ValidationError as error:
        raise BrokenContract(f"parameters hold, and have defaults: {error.errors()[0]}") from None
    require(again == made, "parameters survive JSON", (made, again))
    try:
        params.model_validate({**given, "no_such_parameter": 1})
    except ValidationError:
        return
    raise BrokenContract("an unknown parameter is an error")


def import_target(spec: Spec) -> Any:
    """The class behind the spec's "module:attribute"."""
    module, mark, attribute = spec.target.partition(":")
    require(bool(mark), 'the target reads "module:attribute"', spec.target)
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BrokenContract(f"the target {spec.target} can be imported: {error}") from error


def make(spec: Spec, params: dict[str, JsonValue], *treatment: Any) -> Any:
    """The plugin with these parameters, as a cell makes it."""
    return import_target(spec)(spec.params.model_validate(params), *treatment)


def check_light(*modules: str) -> None:
    """Importing these modules, in a fresh interpreter, brings in neither torch nor transformers."""
    single = [name for name in modules if name.startswith(PREFIX)]  # in a folder of plugins, not on the path
    files = [str(sys.modules[name].__file__) for name in single]
    names = [name for name in modules if name not in single]
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        f"import importlib\nfrom pathlib import Path\nfrom harness.registry.plugin_files import load_file\n"
        f"for name in {names!r}: importlib.import_module(name)\nfor file in {files!r}: load_file(Path(file))\n"
        "print(*[name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    require(done.returncode == 0, f"{', '.join(modules)} can be imported", done.stderr[-300:])
    heavy = done.stdout.strip()
    require(not heavy, f"importing {', '.join(modules)} does not import {heavy or 'torch'}")
