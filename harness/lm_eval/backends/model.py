"""Ask a backend: prompts in, replies out, one at a time over HTTP or together in this process."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.checkpoints.chat_template import freeze_clock
from harness.contract import Chat, Prompt, Reply
from harness.errors import HarnessError, ModelError, StageError, Unreachable, described
from harness.lm_eval.backends.arguments import resolved
from harness.lm_eval.backends.bounded import reply_text
from harness.lm_eval.backends.known import backend_info
from harness.lm_eval.backends.noise import TRIED_TOKENS, Noise, heeds_noise
from harness.lm_eval.backends.redaction import Redacting, redact, without_known
from harness.lm_eval.backends.responses import ResponseRecorder
from harness.lm_eval.backends.server import innermost_cause, public_url, same_model, server_message
from harness.registry.backend import Backend

SCORED_AT_ONCE = 16  # texts in one HTTP request
FATAL = (401, 403, 404)  # the key, the route or the model is wrong: every other question would fail too


class BackendModel:
    """One opened lm-eval model. Raises ModelError when it cannot be opened."""

    def __init__(
        self,
        backend: Backend,
        folder: Path | None = None,
        device: str = "cpu",
        dtype: str = "auto",
        batch_size: int = 1,
        own_loop: bool = False,
        chat: Chat = Chat(),  # noqa: B008  (frozen)
    ) -> None:
        """`folder` and `batch_size` are for backends that sample a folder. `own_loop`: lm-eval's own loop asks, and
        sends `num_concurrent` requests at a time."""
        self.backend, self.chat = backend, chat
        self.info = backend_info(backend.name)
        args = resolved(backend.args)
        default = batch_size if backend.engine == "vllm" else 1  # it batches what is under way
        self.concurrent = 1 if own_loop else int(str(args.pop("num_concurrent", default)))
        self.lm: Any = _open(backend.name, {**args, **_place(backend.name, folder, device, dtype)}, batch_size)
        freeze_clock(getattr(self.lm, "tokenizer", None), chat.template)
        if self.info.packed:
            _drop_defaults(self.lm.model)
        self.recorder = ResponseRecorder(self.lm) if hasattr(self.lm, "_create_payload") else None
        self.batch_size = batch_size if self.recorder is None and self.info.place != "server" else 1

    @property
    def at_once(self) -> int:
        """How many questions go to `ask` together: one over HTTP, so that each can fail by itself."""
        return self.batch_size

    def ask_one_at_a_time(self) -> None:
        """For a model in this process whose replies depend on their batch."""
        self.batch_size = self.lm.batch_size_per_gpu = 1

    def as_lm(self, batch_size: int) -> tuple[Any, bool]:
        """(lm-eval's `LM`, whether it takes nothing but chat messages). The batch size was given when it was opened."""
        return self.lm, self.info.chat

    # ------------------------------------------------------------------------------------------------------- questions

    def turn(self, text: str) -> Any:
        """The prompt as the backend takes it: messages, or the model's chat template around them where one is known,
        else the plain text."""
        if self.info.chat:
            return self.lm.apply_chat_template(self.chat.turns(text))
        rendered = self.chat.apply(getattr(self.lm, "tokenizer", None), text)
        return text if rendered is None else rendered

    @property
    def templated(self) -> bool:
        """Whether prompts get a chat template, here or at the server."""
        own = getattr(getattr(self.lm, "tokenizer", None), "chat_template", None)
        return self.info.chat or bool(self.chat.template or own)

    def ask(self, prompts: Sequence[Prompt], keys: Sequence[int], temperature: float, top_p: float) -> list[Reply]:
        """One reply per prompt, drawn with the noise of its key: the harness's own where the backend has it, else its own,
        seeded by the key where it takes a seed with each request.

        Raises StageError when these prompts cannot be answered, and Unreachable when no prompt can be.
        """
        from harness.lm_eval.library import Instance

        if prompts[0].scored:
            return self._score(prompts)
        asked = []
        for number, (prompt, key) in enumerate(zip(prompts, keys, strict=True)):
            turn = self.turn(prompt.text)
            limits: dict[str, Any] = {
                "until": list(prompt.stop),
                "max_gen_toks": self._max_new_tokens(prompt, turn),
                **self._drawn(key, temperature, top_p),
            }
            if self.info.chat and self.chat.args:
                limits["chat_template_kwargs"] = dict(self.chat.args)  # as vLLM, SGLang and llama.cpp call them
            asked.append(Instance("generate_until", {}, (turn, limits), number))
        with self.errors():
            texts = self.lm.generate_until(asked)
        return [self._reply(reply_text(str(text)), prompt) for text, prompt in zip(texts, prompts, strict=True)]

    def _drawn(self, key: int, temperature: float, top_p: float) -> dict[str, Any]:
        """How the tokens of a reply are drawn, as the backend is told."""
        if temperature > 0 and self.backend.coupled:
            noise = Noise(key=key, temperature=temperature, top_p=top_p).arguments()
            return {"do_sample": False, "temperature": 0.0, "vllm_xargs" if self.recorder else "extra_args": noise}
        drawn: dict[str, Any] = {"do_sample": temperature > 0, "temperature": temperature}
        if temperature > 0 and top_p < 1:
            drawn["top_p"] = top_p
        if temperature > 0 and self.info.packed:
            drawn["top_k"] = 0  # transformers' own default keeps 50 tokens
        if self.info.seeded:
            drawn["seed"] = key % 2**31
        return drawn

    def _max_new_tokens(self, prompt: Prompt, turn: Any) -> int:
        """How many new tokens fit: beyond the context, backends in this process would cut off the start of the prompt."""
        context = getattr(self.lm, "max_length", None)
        if self.info.place != "folder" or not isinstance(context, int):
            return prompt.max_tokens
        room = context - len(self.lm.tok_encode(turn))
        if room < 1:
            raise StageError(f"a prompt of role {prompt.role!r} leaves no room in the context of {context} tokens")
        return min(prompt.max_tokens, room)

    def _reply(self, text: str, prompt: Prompt) -> Reply:
        """Cut at stop strings here in any case: some servers leave them in the text. Nor is a key kept that a server echoes."""
        places = [place for place in (text.find(stop) for stop in prompt.stop) if place >= 0]
        shown = without_known(text[: min(places)] if places else text)
        if self.recorder is None:
            return Reply(text=shown, tokens=self._tokens(shown))
        ending = self.recorder.last()
        self._check_model(ending.model)
        return Reply(text=shown, tokens=ending.tokens or 0, truncated=bool(ending.truncated) and not places)

    def _tokens(self, text: str) -> int:
        encode = getattr(self.lm, "tok_encode", None)
        return len(encode(text, add_special_tokens=False)) if encode and self.info.place == "folder" else 0

    def _score(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """Log-likelihoods of targets and choices, each once. An empty prompt gets no chat turn: its target is scored as
        a plain text."""
        from harness.lm_eval.library import Instance

        pairs = list(dict.fromkeys((prompt.text, text) for prompt in prompts for text in prompt.continuations))
        asked = [(self.turn(before) if before else "", text) for before, text in pairs]
        with self.errors():
            found = self.lm.loglikelihood(
                [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(asked)]
            )
        if self.recorder is not None:
            self._check_model(self.recorder.last().model)
        scores = {pair: float(score) for pair, (score, _) in zip(pairs, found, strict=True)}
        return [
            self._scored(prompt, [scores[prompt.text, text] for text in prompt.continuations]) for prompt in prompts
        ]

    def _scored(self, prompt: Prompt, scores: list[float]) -> Reply:
        tokens = sum(map(self._tokens, prompt.continuations))
        if prompt.choices:
            return Reply(text="", tokens=tokens, choice_log_likelihoods=tuple(scores))
        return Reply(text="", tokens=tokens, log_likelihood=scores[0])

    # ---------------------------------------------------------------------------------------------------------- checks

    def _check_model(self, named: str) -> None:
        """Raises Unreachable if the answer bears the name of another model than was planned."""
        planned = (str(self.lm.model), *filter(None, self.backend.reported.split(" = ")))
        if self.info.local and not any(same_model(named, name) for name in planned):
            raise Unreachable(
                f"the server at {public_url(self.backend.args)} answers as model {redact(named)!r}, not as {planned[-1]!r}",
                "serve that one; the same command then resumes",
            )

    def check_sampling(self, temperature: float) -> None:
        """lm-eval overrules the temperature for some models by their names, and vLLM may leave our noise out; that is an
        error, for it would be another experiment."""
        if temperature > 0 and self.backend.coupled:
            self._check_noise()
            return
        if self.recorder is None or not self.info.route:
            return
        question = [{"role": "user", "content": "1"}] if self.info.chat else "1"
        limits = {"until": [], "max_gen_toks": 1, "do_sample": temperature > 0, "temperature": temperature}
        payload = self.lm._create_payload(question, generate=True, gen_kwargs=limits, seed=0, eos=None)
        if payload.get("temperature") != temperature:
            raise ModelError(
                f"lm-eval's backend {self.backend.name!r} asks {self.lm.model} at temperature "
                f"{payload.get('temperature')}, whatever is wanted",
                f"use --temperature {payload.get('temperature')}, or local-chat-completions with the same base_url",
            )

    def _check_noise(self) -> None:
        def reply(noise: Noise) -> str:
            prompt = Prompt(role="noise", text="1", max_tokens=TRIED_TOKENS)
            return self.ask([prompt], [noise.key], noise.temperature, 1.0)[0].text

        if not heeds_noise(reply):
            raise ModelError(
                f"backend {self.backend.name!r} does not draw the harness's noise, though it was found when planning",
                "is it vLLM with harness.vllm:CoupledNoise, and without speculative decoding?",
            )

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Whatever a backend raises, after its own retries, as one line."""
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:
            raise self.failure(error) from error

    def failure(self, error: Exception) -> StageError:
        response = getattr(error, "response", None)
        where = public_url(self.backend.args)
        if response is not None:
            kind = Unreachable if response.status_code in FATAL else StageError
            return kind(f"{server_message(response)} (the server at {where})")
        module = type(error).__module__.partition(".")[0]
        if module in ("requests", "aiohttp", "urllib3"):
            tries = self.backend.args.get("max_retries", 3)
            return Unreachable(
                f"the server at {where} did not answer in {tries} tries: {innermost_cause(error)}",
                "start it again; the same command then resumes",
            )
        return StageError(f"backend {self.backend.name!r} failed: {redact(described(error))[:300]}")


def _drop_defaults(model: Any) -> None:
    """A checkpoint's sampling defaults (repetition penalty, …) would change what a run claims to sample."""
    from transformers import GenerationConfig

    own = model.generation_config
    model.generation_config = GenerationConfig(eos_token_id=own.eos_token_id, pad_token_id=own.pad_token_id)


def _place(name: str, folder: Path | None, device: str, dtype: str) -> dict[str, Any]:
    """How a backend that samples a folder is told the path and the dtype."""
    if folder is None:
        return {}
    if backend_info(name).packed:
        return {"pretrained": str(folder), "device": device, "dtype": dtype}
    return {"pretrained": str(folder), "dtype": dtype}


def _open(name: str, args: dict[str, Any], batch_size: int) -> Any:
    os.environ.setdefault("TQDM_DISABLE", "1")  # a progress bar per request would fill the log
    from harness.lm_eval.library import get_model

    if backend_info(name).packed:
        import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format with transformers)
    for logger in ("lm_eval.models.api_models", "lm_eval.models.openai_completions", "lm_eval.models.anthropic_llms"):
        logging.getLogger(logger).addFilter(Redacting())
    info = backend_info(name)
    if info.place == "server":  # one reply a request, but the choices of a text together
        batch_size = SCORED_AT_ONCE if info.route and info.likelihood else 1
    try:
        return get_model(name).create_from_arg_obj(args, {"batch_size": batch_size})
    except Exception as error:  # a backend's constructor raises whatever its libraries raise
        raise ModelError(f"backend {name!r} cannot be opened: {redact(described(error))[:300]}") from error
