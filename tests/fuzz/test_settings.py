"""Registry and experiment files, overrides and backend arguments: read, or refused with one line."""

from __future__ import annotations

import json
from pathlib import Path

import tomli_w
from damage import ODD, damages, one_line_at_most, values
from hypothesis import given
from hypothesis import strategies as st

from harness.lm_eval.backends.arguments import parse_arguments, refuse_secrets
from harness.lm_eval.backends.withheld import SECRET_SHAPE, withhold
from harness.planning.experiment import parse_overrides, parse_seeds, read_experiment_file
from harness.registry.name_sources import NameSources
from harness.registry.presets import KINDS, OWN_KEYS

ROOT = Path(__file__).parents[2]
PRESETS = ("ultra3", "goodhart7", "vanilla", "static", "new", "perplexity", "lm-eval", "none", "uniform", "budget")
KEYS = st.sampled_from(
    [*OWN_KEYS, "bits", "rank", "families", "path", "summary", "calibration", "suites", "name", "params"]
)
PLUGINS = st.sampled_from(["caldera", "goodhart", "grpo", "static", "nothing", "none", ""])


def toml(table: dict) -> str:
    """As TOML, without what TOML cannot say."""
    return tomli_w.dumps(toml_value(table))


def toml_value(value: object) -> object:
    if isinstance(value, dict):
        return {str(name).encode(errors="replace").decode(): toml_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [toml_value(inner) for inner in value if inner is not None]
    return "" if value is None else value.encode(errors="replace").decode() if isinstance(value, str) else value


tables = st.dictionaries(
    st.sampled_from([*KINDS, "models", "defaults", "more"]),
    st.dictionaries(
        st.sampled_from(PRESETS),
        st.dictionaries(KEYS, values, max_size=4).flatmap(
            lambda table: PLUGINS.map(lambda name: {"plugin": name, **table})
        )
        | values,
        max_size=3,
    ),
    max_size=4,
)


def resolve_everything(path: Path) -> None:
    """Read a registry file as a command does, and look up every name that it declares."""
    catalogue = None
    with one_line_at_most():
        catalogue = NameSources(registries=(path,)).catalogue
    if catalogue is None:
        return
    names = [(kind, name + end) for kind in KINDS for name in catalogue.presets[kind] for end in ("", "@3", ":x", "/y")]
    for kind, label in names:
        with one_line_at_most():
            catalogue.arms(kind, label)
    for model in catalogue.models.values():
        with one_line_at_most():
            model.locate()


@given(table=tables)
def test_registry_files_of_any_tables(scratch, table):
    path = scratch / "tables.toml"
    path.write_text(toml(table))
    resolve_everything(path)


@given(befalls=damages())
def test_a_damaged_registry_file(scratch, befalls):
    path = scratch / "damaged.toml"
    path.write_bytes(
        befalls(b'[compressors.mine]\nplugin = "caldera"\nbits = 3\nat = "bits"\n[models.m]\npath = "x"\n')
    )
    resolve_everything(path)


@given(befalls=damages(), example=st.sampled_from(sorted((ROOT / "examples" / "experiments").glob("*.toml"))))
def test_experiment_files(scratch, befalls, example):
    path = scratch / "experiment.toml"
    path.write_bytes(befalls(example.read_bytes()))
    with one_line_at_most():
        read_experiment_file(path)


FIELDS = st.text(max_size=12) | st.sampled_from(["tasks", "seeds", "model", "params", "runs", "compressors"])


@given(table=st.dictionaries(FIELDS, values, max_size=4))
def test_experiment_files_of_any_values(scratch, table):
    path = scratch / "any.toml"
    path.write_text(toml(table))
    with one_line_at_most():
        read_experiment_file(path)


@given(text=st.text(max_size=40) | st.from_regex(r"[\d,\- ]{1,20}") | st.sampled_from([str(odd) for odd in ODD]))
def test_seeds_and_overrides(text):
    for read in (parse_seeds, lambda it: parse_overrides([it]), lambda it: parse_overrides([f"a.b={it}"])):
        with one_line_at_most():
            read(text)


NAMES = st.text(max_size=12) | st.sampled_from(
    [
        "model",
        "base_url",
        "api_key",
        "header",
        "headers",
        "token",
        "num_concurrent",
        "x-api-key",
        "timeout",
        "max_length",
    ]
)
TEXTS = st.lists(st.tuples(NAMES, values | st.text(max_size=20))).map(
    lambda pairs: ",".join(f"{name}={value}" for name, value in pairs)
) | st.dictionaries(NAMES, values, max_size=4).map(json.dumps)


@given(text=TEXTS | st.text(max_size=60))
def test_backend_arguments(text):
    with one_line_at_most():
        args = parse_arguments(text)
        refuse_secrets(args)
        json.dumps(withhold(args))


SECRET = "Zq7LEAKw0rdQ93xV"
SHAPES = (
    "{}",
    "Bearer {}",
    "http://user:{}@host/v1",
    "http://{}@host/v1",
    "http://host/v1?key={}",
    "http://host/{}/v1",
    "sk-{}",
)


@given(
    name=NAMES.filter(lambda name: name not in ("model", "max_length") and SECRET not in name),
    shape=st.sampled_from(SHAPES),
    around=st.sampled_from(["text", "list", "table", "deep"]),
)
def test_a_secret_is_never_in_what_is_stored(name, shape, around):
    secret = shape.format(SECRET)
    value = {"text": secret, "list": [secret], "table": {"k": secret}, "deep": [{"a": {secret: secret}}]}[around]
    stored = ""
    with one_line_at_most(SECRET):
        args = parse_arguments(json.dumps({name: value}))
        refuse_secrets(args)
        stored = json.dumps(withhold(args))
    harmless = name in ("num_concurrent", "timeout") and around == "text"  # kept unless it looks like a key
    assert SECRET not in stored or (harmless and not SECRET_SHAPE.search(secret))
