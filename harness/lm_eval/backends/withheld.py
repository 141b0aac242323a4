"""What of a backend's arguments may be written to files: names known to be harmless, with values that look it.

Everything else is withheld: `withheld:DIGEST` stands in its place, keyed with a secret of this user's own, so that equal
values give equal stage keys and nobody can find a value by trying. The value itself stays in this process's environment,
where the workers that it starts find it. A URL keeps its host and the words of its path that name a known route.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import JsonValue

from harness.errors import UsageError
from harness.store.files import make_folder
from harness.store.paths import cache_folder

REFERENCES = ("env:", "file:")  # the name of a secret's place stands for it
MARK = "withheld:"
VARIABLE = "HARNESS_WITHHELD_"

HARMLESS = frozenset((
    "model", "pretrained", "base_url", "revision", "subfolder", "tokenizer", "tokenizer_backend",
    "tokenized_requests", "use_fast_tokenizer", "tokenizer_mode", "tokenizer_revision", "num_concurrent",
    "max_retries", "timeout", "max_gen_toks", "max_length", "max_model_len", "truncation", "truncate", "batch_size",
    "max_batch_size", "seed", "add_bos_token", "custom_prefix_token_id", "prefix_token_id", "eos_string",
    "verify_certificate", "ca_cert_path", "dtype", "softmax_dtype", "device", "device_map", "parallelize",
    "max_memory_per_gpu", "max_cpu_memory", "offload_folder", "gguf_file", "low_cpu_mem_usage", "logits_cache",
    "mixed_precision_dtype", "backend", "attn_implementation", "enable_thinking", "think_end_token",
    "trust_remote_code", "tensor_parallel_size", "data_parallel_size", "pipeline_parallel_size",
    "gpu_memory_utilization", "swap_space", "cpu_offload_gb", "quantization", "load_format", "enforce_eager",
    "kv_cache_dtype", "max_num_seqs", "max_num_batched_tokens", "enable_prefix_caching", "disable_log_stats",
    "tp_size", "dp_size", "mem_fraction_static", "context_length",
))  # fmt: skip
LONGEST_NAME = 16  # characters of a name inside a value; a longer one may itself be a secret
ROUTE = re.compile(r"v\d+(beta\d*)?|api|openai|anthropic|chat|completions|messages|models|deployments|engines|generate")
SECRET_SHAPE = re.compile(
    r"\b(sk|pk|rk)[-_](?=[\w-]*\d)\w[\w-]{15,}"
    r"|\b(hf|ghp|gho|ghs|glpat|gsk|xai|nvapi|xox[abprs]|github_pat)[-_](?=\w*\d)\w{16,}"
    r"|\b(AKIA|ASIA|AIza)[\w-]{12,}|\beyJ[\w-]{8,}\.[\w-]+|\b(Bearer|Basic)\s+\S{6,}",
)


def withhold(args: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The arguments as they may be stored. What was withheld before, or names its place, stays as it is."""
    return {name: _stored(name, value) for name, value in args.items()}


def _stored(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, str) and value.startswith((*REFERENCES, MARK)):
        return value
    if value is None or isinstance(value, bool) or (name in HARMLESS and _looks_harmless(name, value)):
        return value
    text = json.dumps(value, sort_keys=True)
    digest = hmac.new(_key(), f"{name}={text}".encode(), hashlib.sha256).hexdigest()[:32]
    os.environ[VARIABLE + digest] = text
    shown = f"{_public(value)} " if isinstance(value, str) and name == "base_url" and "://" in value else ""
    return f"{MARK}{shown}{digest}"


def _looks_harmless(name: str, value: JsonValue) -> bool:
    if not isinstance(value, str):
        return isinstance(value, int | float)
    if SECRET_SHAPE.search(value) or (name == "base_url" and "://" not in value):
        return False
    return "://" not in value or _public(value) == value.rstrip("/")


def _public(url: str) -> str:
    """The URL without user, password, query, fragment and whatever in its path names no known route."""
    with suppress(ValueError):
        parts = urlsplit(url)
        words = [word if ROUTE.fullmatch(word) else "…" for word in parts.path.strip("/").split("/") if word]
        return SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], "/".join(["", *words]), "", "").geturl()
    return "…"


def given_value(name: str, stored: str) -> JsonValue:
    """The value behind `withheld:…`. Raises UsageError in a process that was not given it."""
    text = os.environ.get(VARIABLE + stored.rpartition(" ")[2].removeprefix(MARK))
    if text is None:
        raise UsageError(
            f"the value of backend argument {name!r} is not kept in files",
            f"give it again with --backend-args, or as {name}=env:VARIABLE or {name}=file:PATH",
        )
    value: JsonValue = json.loads(text)
    return value


def withheld_texts() -> Iterator[str]:
    """Every text inside the values that this process withholds."""
    for name, text in list(os.environ.items()):
        if name.startswith(VARIABLE):
            with suppress(ValueError):
                yield from _texts(json.loads(text))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (name for name in value if len(name) > LONGEST_NAME)
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif not isinstance(value, bool | None):
        yield (text := str(value))
        if "://" in text:
            with suppress(ValueError):
                parts = urlsplit(text)
                user = f"{parts.username}:{parts.password}"
                yield b64encode(user.encode()).decode()  # as the header of a request has it
                yield from filter(None, (parts.username, parts.password, parts.query, parts.fragment))
                yield from (word for word in parts.path.split("/") if word and not ROUTE.fullmatch(word))
                yield from (value for _, value in parse_qsl(parts.query))


def _key() -> bytes:
    """This user's key for digests, made at the first use; only its owner can read it."""
    path = cache_folder() / "digest.key"
    make_folder(path.parent)
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()
