"""A language model that detectors may ask: a model of the harness, or anything that lm-eval has a backend for.

A judge that cannot be reached does not fail the cell: its questions stay unanswered, with the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from harness.contract import Chat, Prompt, Unanswered
from harness.errors import HarnessError, StageError, Unreachable
from harness.lm_eval.backends.arguments import parse_arguments
from harness.lm_eval.backends.concurrency import run_concurrently
from harness.lm_eval.backends.locate import make_backend
from harness.lm_eval.backends.model import BackendModel
from harness.planning.judges import judge_chat, judge_folder

Answer = str | Unanswered
Ask = Callable[[Sequence[str]], list[Answer]]

MAX_TOKENS = 512  # of a reply
_BATCH = 16


def open_judge(params: Mapping[str, JsonValue], locate: Callable[[str], str], device: str, dtype: str) -> Ask:
    """The model behind a detector's `model` and `backend`, loaded at the first question, asked as its `chat_template`,
    `template_args` and `system` say, and greedily.

    `locate` turns a registry entry's name into a folder.
    """

    def ask(questions: Sequence[str]) -> list[Answer]:
        prompts = [Prompt(role="judge", text=text, max_tokens=MAX_TOKENS) for text in questions]
        if not prompts:
            return []
        try:
            name = judge_folder(params)
            folder = Path(locate(name)) if name else None
            chat = judge_chat(params, folder)
            if params.get("backend"):
                found = dict(_through(_open_backend(params, folder, device, dtype, chat), prompts))
            else:
                assert folder is not None
                found = dict(_own(folder, device, dtype, chat, prompts))
        except HarnessError as error:  # the judge is not available
            return [Unanswered(cause=str(error))] * len(prompts)
        return [found[number] for number in range(len(prompts))]

    return ask


def _own(folder: Path, device: str, dtype: str, chat: Chat, prompts: Sequence[Prompt]) -> Iterable[tuple[int, Answer]]:
    """(number of the prompt, answer) from a model that the harness loads itself."""
    from harness.models.generate import Generator, Request
    from harness.models.load import load
    from harness.models.sampling import Sampling

    generator = Generator(load(folder, device, dtype, frozen=True), chat)
    requests = [Request(item=str(number), repeat=0, prompt=prompt) for number, prompt in enumerate(prompts)]
    for batch in generator.batches(requests, _BATCH):
        answers: Sequence[Answer]
        try:
            answers = [reply.text for reply in generator.ask(batch, 0, "judge", Sampling())]
        except StageError as error:  # beyond the context, or the memory
            answers = [Unanswered(cause=str(error))] * len(batch)
        yield from ((int(request.item), answer) for request, answer in zip(batch, answers, strict=True))


def _open_backend(
    params: Mapping[str, JsonValue], folder: Path | None, device: str, dtype: str, chat: Chat
) -> BackendModel:
    backend = make_backend(str(params["backend"]), parse_arguments(str(params["model"])))
    if folder is not None:
        args = {name: value for name, value in backend.args.items() if name not in ("pretrained", "model")}
        backend = backend.model_copy(update={"args": args})
    return BackendModel(backend, folder, device, dtype, chat=chat)


def _through(model: BackendModel, prompts: Sequence[Prompt]) -> Iterable[tuple[int, Answer]]:
    """(number of the prompt, answer) from a backend; once it is gone, it is not asked again."""
    gone: list[Unanswered] = []

    def ask(number: int, prompt: Prompt) -> tuple[int, Answer]:
        if gone:
            return number, gone[0]
        try:
            return number, model.ask([prompt], [0], 0.0, 1.0)[0].text
        except StageError as error:
            answer = Unanswered(cause=str(error))
            if isinstance(error, Unreachable):
                gone.append(answer)
            return number, answer

    return run_concurrently([partial(ask, number, prompt) for number, prompt in enumerate(prompts)], model.concurrent)
