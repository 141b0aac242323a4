"""When a run is planned: is the backend available, which model is it, and can it do what the run needs?"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import JsonValue

from harness.contract import AgainstSource, OwnLoop, TaskSuite
from harness.errors import PluginError, UsageError
from harness.lm_eval.backends.arguments import refuse_secrets, resolved
from harness.lm_eval.backends.known import backend_info
from harness.lm_eval.backends.noise import installed_beside_vllm
from harness.lm_eval.backends.server import complete_url, served
from harness.lm_eval.backends.withheld import withhold
from harness.registry.backend import Backend
from harness.registry.catalogue import Catalogue
from harness.registry.component import Component
from harness.registry.sources import ModelRef, locate_model
from harness.store.hashing import key_of


def make_backend(name: str, args: Mapping[str, JsonValue]) -> Backend:
    """The backend of that name, if it is available. Else raises a HarnessError that says what is missing: lm-eval, the
    backend's own package and how to install it, the variable with the key, a server that answers."""
    given = withhold(args)
    refuse_secrets(given)
    refuse_uninstalled(name)
    info = backend_info(name)
    key = os.environ.get(info.key or "OPENAI_API_KEY", "")
    if info.route:
        url = resolved(given).get("base_url") or info.base_url
        if not url:
            raise UsageError(f"backend {name!r} needs a URL", "--backend-args base_url=http://HOST:PORT/v1,model=NAME")
        given |= withhold({"base_url": complete_url(str(url), info.route)})
    if info.place == "server" and not _model_of(given) and info.route:
        raise UsageError(f"backend {name!r} needs a model", "--backend-args model=NAME")
    backend = Backend(name=name, args=given, version=importlib.metadata.version("lm_eval"))
    if info.route:
        found = served(backend, info, key)
        return backend.model_copy(update={"reported": found.model, "engine": found.engine, "coupled": found.coupled})
    return backend.model_copy(update={"coupled": name == "vllm" and installed_beside_vllm()})


def refuse_uninstalled(name: str) -> None:
    """Raises a HarnessError if this environment lacks lm-eval, the backend's own package, or its key."""
    if importlib.util.find_spec("lm_eval") is None:
        raise PluginError("--backend needs lm-eval, which is not installed", "pip install 'goodhart-harness[lm-eval]'")
    _refuse_unknown(name)
    info = backend_info(name)
    if missing := [module for module in info.requires if importlib.util.find_spec(module) is None]:
        raise PluginError(f"backend {name!r} needs {', '.join(missing)}, which is not installed", info.install)
    if info.key and not os.environ.get(info.key):
        raise UsageError(f"backend {name!r} needs an API key", f"set the environment variable {info.key}")


def _refuse_unknown(name: str) -> None:
    from harness.lm_eval.library import backend_names

    names = backend_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names
        raise UsageError(f"lm-eval has no backend {name!r}", f"did you mean {', '.join(near)}?")


def _model_of(args: Mapping[str, JsonValue]) -> str:
    return str(args.get("pretrained") or args.get("model") or "")


# ---------------------------------------------------------------------------------------------------- its place in a run


def model_names(backend: Backend, given: tuple[str, ...]) -> tuple[str, ...]:
    """The models that a run through the backend asks: `given` by --model for one that samples a folder, else what its
    arguments name; () is the suite's default, as without a backend."""
    own = _model_of(backend.args)
    if given and own:
        raise UsageError(
            f"the model is given twice: --model, and model={own!r} in --backend-args", "leave out one of them"
        )
    if backend_info(backend.name).place == "folder":
        return given or ((own,) if own else ())
    if given:
        raise UsageError(
            f"backend {backend.name!r} does not load --model {given[0]}", "name its model in --backend-args"
        )
    return (own or backend.name,)


def locate_for_backend(backend: Backend, name: str, catalogue: Catalogue) -> ModelRef:
    """The model as the backend samples it: a folder's digest, or that of everything that names a remote model."""
    if backend_info(backend.name).place == "folder":
        own = {key: value for key, value in backend.args.items() if key not in ("pretrained", "model")}
        found = locate_model(name, catalogue)
        ours = backend.model_copy(update={"args": own})
        return found.model_copy(update={"name": f"{name} ({backend.name})", "backend": ours})
    return ModelRef(name=f"{name} ({backend.name})", path="", digest=key_of(backend.identity), backend=backend)


def refuse_unsupported(
    backend: Backend,
    suite: TaskSuite,
    label: str,
    trainers: Iterable[Component],
    compressors: Iterable[Component],
    instead: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Raises UsageError for a cell that the backend cannot sample, with the reason. `instead` says under which settings the
    suite needs no log-likelihoods, if there are any."""
    info = backend_info(backend.name)
    if isinstance(suite, AgainstSource):
        raise UsageError(f"{label} compares the weights of two models, which no backend does", "leave out --backend")
    for what, arms in (("trainer", trainers), ("compressor", compressors)):
        for arm in arms:
            loads = info.packed or info.dense or (what == "trainer" and info.place == "folder")
            if not (arm.untouched or loads):
                reason = "has no weights here" if info.place != "folder" else "does not load what it makes"
                raise UsageError(
                    f"{what} {arm.label} needs the model's weights, and backend {backend.name!r} {reason}",
                    f"leave out --{what}, or use --backend hf or none",
                )
    if not info.likelihood and needs_likelihood(suite):
        raise UsageError(
            f"{label} needs log-likelihoods of given text, which backend {backend.name!r} does not give",
            ", or ".join([*instead(), "use --backend hf, vllm or none"]),
        )


def needs_likelihood(suite: TaskSuite) -> bool:
    """Whether a model must score given text to be asked this."""
    if isinstance(suite, OwnLoop):
        return suite.needs_likelihood()
    return any(prompt.scored for item in suite.items() for prompt in suite.prompts(item))
