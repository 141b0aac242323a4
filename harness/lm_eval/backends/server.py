"""Does the server answer, does it accept the key, which model replies, and does it draw our noise? Asked once, when a run
is planned.

Servers of the OpenAI protocol list their models. A server that does not list the wanted model is asked for one token:
its answer names the model, or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import JsonValue

from harness.errors import ModelError, StageError
from harness.lm_eval.backends.arguments import resolved
from harness.lm_eval.backends.bounded import whole
from harness.lm_eval.backends.known import BackendInfo
from harness.lm_eval.backends.noise import TRIED_TOKENS, Noise, heeds_noise
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


class Served(NamedTuple):
    """What a server says of itself."""

    model: str  # what it calls the one that is asked for
    engine: str = ""
    coupled: bool = False  # draws the harness's noise


def served(backend: Backend, info: BackendInfo, key: str) -> Served:
    """What answers when `backend` is asked. Raises ModelError naming the URL if it cannot be asked, or is another model."""
    import requests

    args = resolved(backend.args)
    url, model = str(args["base_url"]), str(args.get("model", args.get("pretrained", "")))
    where = public_url(backend.args)
    options: dict[str, Any] = {"headers": _headers(args, key), "verify": _certificates(args), "stream": True}

    def post(question: dict[str, Any]) -> requests.Response:
        return whole(requests.post(url, json=question, timeout=TOKEN_SECONDS, **options))

    try:  # a connection each, because a server that fails on the first request may close that one
        listed = whole(requests.get(_models_url(url, info.route), timeout=LIST_SECONDS, **options))
        _refused(listed, where)
        entries = _entries(listed)
        engine = "vllm" if any(entry.get("owned_by") == "vllm" for entry in entries) else ""
        answer = None if any(entry.get("id") == model for entry in entries) else post(_question(info, model))
        coupled = engine == "vllm" and heeds_noise(lambda noise: _text(post(_question(info, model, noise)), info))
    except requests.RequestException as error:
        raise ModelError(
            f"no server answers at {where}: {innermost_cause(error)}",
            "start it, or correct base_url in --backend-args",
        ) from None
    except StageError as error:
        raise ModelError(f"{error} (the server at {where})") from None
    own = next((entry for entry in entries if model in (entry.get("id"), entry.get("root"))), {})
    if answer is None:
        return Served(
            redact(" = ".join(dict.fromkeys(str(own[k]) for k in ("id", "root") if own.get(k)))), engine, coupled
        )
    _refused(answer, where)
    if not answer.ok:
        remedy = f"it is served as {own['id']!r}" if own.get("id") else ""
        said = redact(f"the server at {where} does not answer for model {model!r}: {server_message(answer)}")
        raise ModelError(said, remedy)
    named = str(_json(answer).get("model") or "")
    if entries and not same_model(named, model):  # one that lists no models may have names of its own for them
        raise ModelError(f"the server at {where} answers as model {redact(named)!r}, not as {model!r}", "name that one")
    return Served(redact(named), engine, coupled)


def same_model(named: str, asked: str) -> bool:
    """Whether a server's answer bears the name that was asked for. It may say no name, add a date, or leave out who made it."""
    return not named or named.startswith(asked) or named.rpartition("/")[2] == asked.rpartition("/")[2]


def _headers(args: dict[str, Any], key: str) -> dict[str, str]:
    if isinstance(args.get("header"), dict):
        return args["header"]
    return {"Authorization": f"Bearer {key}"} if key else {}


def _certificates(args: dict[str, Any]) -> bool | str:
    """As requests' `verify`."""
    return bool(args.get("verify_certificate", True)) and (args.get("ca_cert_path") or True)


def _question(info: BackendInfo, model: str, noise: Noise | None = None) -> dict[str, Any]:
    """A question that wants one token, or a few that show whether noise is drawn."""
    asked = {"messages": [{"role": "user", "content": "1"}]} if info.chat else {"prompt": "1"}
    if noise is None:
        return {"model": model, **asked, "max_tokens": 1}
    return {"model": model, **asked, "max_tokens": TRIED_TOKENS, "temperature": 0, "vllm_xargs": noise.arguments()}


def _text(answer: requests.Response, info: BackendInfo) -> str:
    """The reply in an answer, "" where there is none."""
    choice = (_json(answer).get("choices") or [{}])[0]
    return str((choice.get("message") or {}).get("content") if info.chat else choice.get("text") or "")


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
