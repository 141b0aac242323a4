"""What planning must know about a judge: whether one is wanted, how it is asked, and that no secret of it is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from harness.contract import Chat
from harness.errors import UsageError
from harness.lm_eval.backends.arguments import parse_arguments, refuse_secret_values, refuse_secrets
from harness.lm_eval.backends.known import backend_info
from harness.lm_eval.backends.withheld import withhold
from harness.planning.chat import chat_at_server, chat_here
from harness.planning.experiment import Experiment
from harness.registry.catalogue import Catalogue

PARAMETERS = {"--chat-template": "chat_template", "--template-arg": "template_args", "--system": "system"}


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


def refuse_judge_chat(params: Mapping[str, JsonValue], catalogue: Catalogue) -> None:
    """Raises UsageError for a judge that cannot be asked as its parameters say, as far as its template is here to be tried."""
    if not wants_judge(params):
        return
    if not (name := judge_folder(params)):
        judge_chat(params, None)
        return
    entry = catalogue.models.get(name)
    folder = Path(entry.locate() if entry else name).expanduser()
    if folder.is_dir():
        judge_chat(params, folder)


def judge_folder(params: Mapping[str, JsonValue]) -> str:
    """The name of the model whose weights a judge is here; "" for one behind a server."""
    model, backend = str(params.get("model", "")), str(params.get("backend", ""))
    if not backend:
        return model
    if backend_info(backend).place != "folder":
        return ""
    given = parse_arguments(model)
    return str(given.get("pretrained", given.get("model", "")))


def judge_chat(params: Mapping[str, JsonValue], folder: Path | None) -> Chat:
    """How a judge is asked: its parameters `chat_template`, `template_args` and `system` are what the options of these names
    are for the models of a run. `folder` holds its weights, None behind a server.

    Raises:
        UsageError: its template, or its server, does not take them.
    """
    given = {name: params[name] for name in PARAMETERS.values() if params.get(name) is not None}
    try:
        options = Experiment.model_validate(given).chat
    except ValidationError as error:
        raise UsageError(f"judge.{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None
    try:
        if folder is None:
            return chat_at_server(options, str(params["backend"]))
        return chat_here(options, "the judge", folder)[0]
    except UsageError as error:
        raise UsageError(f"judge: {_as_parameters(error.cause)}", _as_parameters(error.remedy)) from None


def _as_parameters(text: str) -> str:
    return re.sub("|".join(PARAMETERS), lambda found: PARAMETERS[found[0]], text)
