"""A language model that detectors may ask: a model of the harness, or anything lm-eval has a backend for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from harness.contract import Prompt
from harness.errors import UsageError

Ask = Callable[[Sequence[str]], list[str]]

MAX_TOKENS = 512  # of a reply
_BATCH = 16


def wants_judge(params: Mapping[str, JsonValue]) -> bool:
    """Do a detector's parameters name a model to ask? `model` is a registry entry, a folder or a hub id; with `backend`
    it is that lm-eval backend's argument string, e.g. "model=gpt-4o-mini,base_url=http://localhost:8000/v1"."""
    return bool(params.get("model"))


def open_judge(params: Mapping[str, JsonValue], locate: Callable[[str], str], device: str, dtype: str) -> Ask:
    """The model behind a detector's `model` and `backend`, loaded at the first question and asked greedily.

    `locate` turns a registry entry's name into a folder. Raises UsageError for a backend that lm-eval does not have.
    """
    model, backend = str(params.get("model", "")), str(params.get("backend", ""))
    if backend:
        return lambda questions: _ask_lm_eval(backend, model, questions)
    return lambda questions: _ask_own(locate(model), device, dtype, questions)


def _ask_own(folder: str, device: str, dtype: str, questions: Sequence[str]) -> list[str]:
    from harness.models.generate import Generator, Request
    from harness.models.load import load
    from harness.models.sampling import Sampling

    if not questions:
        return []
    generator = Generator(load(folder, device, dtype))
    requests = [
        Request(item=str(number), repeat=0, prompt=Prompt(role="judge", text=text, max_tokens=MAX_TOKENS))
        for number, text in enumerate(questions)
    ]
    replies: dict[str, str] = {}
    for batch in generator.batches(requests, _BATCH):
        for request, reply in zip(batch, generator.ask(batch, 0, "judge", Sampling()), strict=True):
            replies[request.item] = reply.text
    return [replies[request.item] for request in requests]


def _ask_lm_eval(backend: str, arguments: str, questions: Sequence[str]) -> list[str]:
    try:
        from lm_eval.api.instance import Instance
        from lm_eval.api.registry import get_model
    except ImportError:
        raise UsageError(
            f"judge backend {backend!r} needs lm-eval", "pip install 'goodhart-harness[lm-eval]'"
        ) from None
    try:
        kind = get_model(backend)
    except (KeyError, ValueError) as error:
        raise UsageError(f"lm-eval has no backend {backend!r}: {str(error).splitlines()[0]}") from None
    if not questions:
        return []
    model = kind.create_from_arg_string(arguments, {"batch_size": 1})
    limits = {"max_gen_toks": MAX_TOKENS, "until": [], "do_sample": False, "temperature": 0.0}
    turns = [model.apply_chat_template([{"role": "user", "content": text}]) for text in questions]
    asked = [Instance("generate_until", {}, (turn, limits), number) for number, turn in enumerate(turns)]
    return [str(reply) for reply in model.generate_until(asked)]
