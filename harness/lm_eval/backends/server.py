"""Does the server answer, does it accept the key, and which model replies? Asked once, when a run is planned.

Servers of the OpenAI protocol list their models. A server that does not list the wanted model is asked for one token:
its answer names the model, or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import JsonValue

from harness.errors import ModelError, StageError
from harness.lm_eval.backends.arguments import resolved
from harness.lm_eval.backends.bounded import whole
from harness.lm_eval.backends.known import BackendInfo
from harness.lm_eval.backends.redaction import redact
from harness.lm_eval.backends.withheld import MARK
from harness.registry.backend import Backend

if TYPE_CHECKING:
    import requests

LIST_SECONDS = 10.0  # until a server that does not answer counts as unreachable
TOKEN_SECONDS = 120.0  # for the one token: some load the model first


def complete_url(url: str, route: str) -> str:
    """lm-eval wants the full route; OpenAI's clients take the part up to /v1."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return parts._replace(path=path + route if route and path.endswith("/v1") else path).geturl()


def _models_url(url: str, route: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.removesuffix(route)}/models").geturl()


def public_url(args: Mapping[str, JsonValue]) -> str:
    """The server's URL as it may be shown."""
    shown = str(args.get("base_url", ""))
    return shown.removeprefix(MARK).rpartition(" ")[0] if shown.startswith(MARK) else redact(shown)


def reported_model(backend: Backend, info: BackendInfo, key: str) -> str:
    """What the server calls the model that `backend` asks for. Raises ModelError naming the URL if it cannot be asked."""
    import requests

    args = resolved(backend.args)
    url, model = str(args["base_url"]), str(args.get("model", args.get("pretrained", "")))
    where = public_url(backend.args)
    options: dict[str, Any] = {"headers": _headers(args, key), "verify": _certificates(args), "stream": True}
    try:  # two connections, because a server that fails on the first request may close that one
        listed = whole(requests.get(_models_url(url, info.route), timeout=LIST_SECONDS, **options))
        _refused(listed, where)
        for entry in _entries(listed):
            if model in (entry.get("id"), entry.get("root")):
                return redact(" = ".join(dict.fromkeys(str(entry[name]) for name in ("id", "root") if entry.get(name))))
        answer = whole(requests.post(url, json=_one_token(info, model), timeout=TOKEN_SECONDS, **options))
    except requests.RequestException as error:
        raise ModelError(
            f"no server answers at {where}: {innermost_cause(error)}",
            "start it, or correct base_url in --backend-args",
        ) from None
    except StageError as error:
        raise ModelError(f"{error} (the server at {where})") from None
    _refused(answer, where)
    if not answer.ok:
        raise ModelError(redact(f"the server at {where} does not answer for model {model!r}: {server_message(answer)}"))
    return redact(str(_json(answer).get("model") or ""))


def _headers(args: dict[str, Any], key: str) -> dict[str, str]:
    if isinstance(args.get("header"), dict):
        return args["header"]
    return {"Authorization": f"Bearer {key}"} if key else {}


def _certificates(args: dict[str, Any]) -> bool | str:
    """As requests' `verify`."""
    return bool(args.get("verify_certificate", True)) and (args.get("ca_cert_path") or True)


def _one_token(info: BackendInfo, model: str) -> dict[str, Any]:
    if info.chat:
        return {"model": model, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
    return {"model": model, "prompt": "1", "max_tokens": 1}


def _refused(response: requests.Response, where: str) -> None:
    if response.status_code in (401, 403):
        raise ModelError(f"the server at {where} refuses the key: {server_message(response)}")


def _entries(response: requests.Response) -> list[dict[str, Any]]:
    listed = _json(response).get("data") if response.ok else None
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# ------------------------------------------------------------------------------------------------------- what is said


def server_message(response: requests.Response) -> str:
    """ "HTTP 400: the server's own words", on one line and without keys."""
    body = _json(response)
    error: Any = body.get("error", body.get("detail"))
    text = error.get("message") if isinstance(error, dict) else error
    words = " ".join(str(text or response.text or response.reason).split())
    return f"HTTP {response.status_code}: {redact(words)[:300]}"


def innermost_cause(error: Exception) -> str:
    """An HTTP library's error in a few words: the innermost cause that has any."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__  # type: ignore[assignment]
    words = " ".join(str(inner).split()) or type(inner).__name__
    return redact(words)[:200]
