"""What of a backend's arguments is written down: an allow-list, and a keyed digest for everything else."""

from __future__ import annotations

import base64
import json
import logging

import pytest

from harness.errors import UsageError
from harness.lm_eval.backends.arguments import parse_arguments, refuse_secrets, resolved
from harness.lm_eval.backends.redaction import Redacting, redact, redact_command, without_known
from harness.lm_eval.backends.responses import response_info
from harness.lm_eval.backends.withheld import VARIABLE, withhold
from harness.planning.experiment import experiment_from
from harness.planning.judges import refuse_written_secrets

KEY = "sk-PLANTED0123456789abcdef"
PLAIN = "hunter2-and-no-shape"  # a secret that no pattern knows

NAMES = [
    "api_key", "apikey", "token", "api_token", "bearer_token", "bearer", "auth", "access_key", "aws_access_key_id",
    "aws_secret_access_key", "passwd", "pwd", "credentials", "cookie", "subscription-key", "openai_key",
    "client_secret", "session", "pat", "hf_token", "hub_token", "use_auth_token", "ApiKey", "apiKey",
    "openaiApiKey", "x", "APIKEY_2", "private_key", "jwt", "sas", "signature", "webhook", "proxy", "extra_body",
    "user",
]  # fmt: skip
SHAPES = [
    *(f"{name}={{}}" for name in NAMES),
    "authorization=Bearer {}",
    "APIKEY ={}",
    "base_url=http://user:{}@localhost:1/v1",
    "base_url=http://{}@localhost:1/v1",
    "base_url={}",
    "base_url=user:{}@localhost:1/v1",
    "base_url=http://localhost/v1?key={}",
    "base_url=http://localhost/v1?sig={}",
    "base_url=http://localhost/v1?{}",
    "base_url=http://localhost/v1#{}",
    "base_url=http://localhost/{}/v1",
    "base_url=http://localhost/v1;k={}",
    "pretrained=https://u:{}@host/model",
    "tokenizer=https://host/{}",
    '{{"headers": {{"X": "{}"}}}}',
    '{{"client": {{"api_key": "{}"}}}}',
    '{{"model_kwargs": {{"token": "{}"}}}}',
    '{{"extra": [{{"Authorization": "Bearer {}"}}]}}',
    '{{"timeout": {{"{}": 1}}}}',
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    import os

    yield
    for name in [name for name in os.environ if name.startswith(VARIABLE)]:
        del os.environ[name]


@pytest.mark.parametrize("secret", [KEY, PLAIN])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_of_a_secret_is_stored(shape, secret):
    given = parse_arguments(shape.format(secret))
    try:
        stored = experiment_from({"backend": "x", "backend_args": given})
    except UsageError as refusal:  # it is a secret by its name
        shown = str(refusal)
    else:
        shown = ""
        assert secret not in stored.model_dump_json()
        assert resolved(stored.backend_args) == given
        assert secret not in redact(f"HTTP 400: no such thing: {json.dumps(given)}")
    assert secret not in shown
    command = ["harness", "run", "--backend-args", shape.format(secret)]
    assert secret not in " ".join(redact_command(command))
    assert secret not in " ".join(redact_command([*command[:2], f"--backend-args={command[3]}"]))
    with pytest.raises(UsageError):
        refuse_written_secrets({"backend": "local-completions", "model": shape.format(secret)})


def test_harmless_arguments_are_stored_as_they_are():
    given = parse_arguments(
        "model=org/name-7b,base_url=http://127.0.0.1:8000/v1/chat/completions,num_concurrent=4,timeout=2.5,"
        "verify_certificate=false,dtype=bfloat16,eos_string=<|end|>"
    )
    assert withhold(given) == given
    for model in ("hf-internal-testing/tiny-random-gpt2", "sk-learn/x", "/models/pk_1/q"):
        assert withhold({"model": model}) == {"model": model}
        assert redact(model) == model


def test_equal_values_have_equal_digests_and_others_have_others():
    first, again, other = (withhold({"x": value})["x"] for value in ("one two", "one two", "one three"))
    assert first == again != other
    assert withhold({"y": "one two"})["y"] != first
    assert withhold({"x": first}) == {"x": first}


def test_a_url_keeps_its_host_and_known_route():
    stored = withhold({"base_url": "https://me:pw@host:81/tenant/v1/completions?sig=abc#x"})["base_url"]
    assert str(stored).startswith("withheld:https://host:81/…/v1/completions ")


def test_a_process_that_was_not_given_the_value_says_how_to_give_it(monkeypatch):
    stored = withhold({"x": "abcdef"})
    monkeypatch.delenv(VARIABLE + str(stored["x"]).removeprefix("withheld:"))
    with pytest.raises(UsageError, match=r"'x' is not kept in files \(give it again with --backend-args"):
        resolved(stored)


def test_keys_come_from_a_variable_or_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_HEADER", '{"Authorization": "Bearer abc"}')
    (tmp_path / "key").write_text(PLAIN + "\n")
    stored = experiment_from(
        {"backend": "x", "backend_args": {"header": "env:MY_HEADER", "api_key": f"file:{tmp_path / 'key'}"}}
    ).backend_args
    assert resolved(stored) == {"header": {"Authorization": "Bearer abc"}, "api_key": PLAIN}
    assert PLAIN not in redact(f"refused: {PLAIN}")
    for missing in ("env:NOT_SET_ANYWHERE", f"file:{tmp_path / 'none'}", f"file:{tmp_path}"):
        with pytest.raises(UsageError, match="backend argument api_key="):
            resolved({"api_key": missing})


def test_the_key_of_the_digests_is_its_owners_alone(tmp_path):
    withhold({"x": "abcdef"})
    assert (tmp_path / "cache" / "digest.key").stat().st_mode & 0o777 == 0o600


def test_a_models_own_code_is_refused():
    with pytest.raises(UsageError, match="code that comes with a model is never run"):
        experiment_from({"backend": "hf", "backend_args": parse_arguments("trust_remote_code=True")})


def test_a_reply_and_a_servers_own_name_lose_what_it_echoes():
    withhold({"base_url": f"http://me:{PLAIN}@host/v1/{PLAIN[::-1]}?k={PLAIN}x", "other": "a-second-secret"})
    header = base64.b64encode(f"me:{PLAIN}".encode()).decode()
    echo = f"Authorization: Basic {header} /v1/{PLAIN[::-1]}?k={PLAIN}x a-second-secret"
    kept = without_known(f"The key is sk-{'1' * 20}. {echo}") + response_info({"model": echo, "choices": [{}]}).model
    assert f"sk-{'1' * 20}" in kept
    assert not [secret for secret in (header, PLAIN, PLAIN[::-1], "a-second-secret") if secret in kept]


def test_a_name_that_is_a_secret_is_refused():
    with pytest.raises(UsageError, match="as its name") as refusal:
        refuse_secrets({f"sk-{'1' * 20}": True})
    assert "sk-1" not in str(refusal.value)


def test_logs_lose_what_is_withheld(caplog):
    withhold({"x": PLAIN})
    logger = logging.getLogger("echo")
    logger.addFilter(Redacting())
    try:
        raise RuntimeError(f"http://me:{PLAIN}@host")
    except RuntimeError:
        logger.exception("failed with %s", PLAIN)
    assert PLAIN not in caplog.text
