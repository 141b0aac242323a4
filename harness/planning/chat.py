"""Which chat template a model's prompts get, and whether it takes the turns of a run: known before anything is made."""

from __future__ import annotations

from pathlib import Path

from harness.checkpoints.chat_template import ASKS, CLOCK, DEFAULT, draws, render, templates_of, variables_of
from harness.checkpoints.tokenizer_files import check_tokenizer
from harness.contract import Chat
from harness.errors import UsageError
from harness.lm_eval.backends.known import backend_info
from harness.planning.chat_options import ChatOptions
from harness.planning.experiment import Experiment
from harness.planning.questions import Questions
from harness.registry.sources import ModelRef

LARGEST = 1 << 20  # bytes of a template
PROBE = "The number 7"  # a user's turn
OURS = frozenset({"messages", "tools", "documents", "add_generation_prompt"})  # variables that the run itself sets
ANOTHER = "leave it out, or give another --chat-template"


def chat_for(experiment: Experiment, model: ModelRef, suite: str, questions: Questions) -> tuple[Chat, tuple[str, ...]]:
    """(how the model is asked, what a reader of plan and report must know about it).

    Raises:
        UsageError: an option has no effect here, or the template cannot take the turns.
    """
    options = experiment.chat
    if not questions.turns:
        if options.given and questions.own_loop:
            raise UsageError(
                f"{options.given[0]} has no effect on {suite}, which its library asks in its own way", "leave it out"
            )
        return Chat(), ()  # plain texts are scored
    if model.backend and backend_info(model.backend.name).place != "folder":
        return chat_at_server(options, model.backend.name), ()
    return chat_here(options, model.name, Path(model.path))


def chat_at_server(options: ChatOptions, backend: str) -> Chat:
    """A server applies a template of its own: messages are all it takes. Raises UsageError for what it does not take."""
    info = backend_info(backend)
    taken = ["--system"] if info.chat else []
    if info.route and info.chat and not info.key:  # an own server: vLLM, SGLang, llama.cpp, transformers serve
        taken.append("--template-arg")
    if refused := [option for option in options.given if option not in taken]:
        raise UsageError(f"backend {backend!r} does not take {refused[0]}", "configure its server, or leave it out")
    return Chat(args=options.args, system=options.system)


def chat_here(options: ChatOptions, name: str, folder: Path) -> tuple[Chat, tuple[str, ...]]:
    """(how the model in `folder` is asked, what a reader must know about it).

    Raises:
        UsageError: there is no such template, or it cannot take the turns.
    """
    if folder.is_dir():
        check_tokenizer(folder)
    known = templates_of(folder)
    chosen = _chosen(options.template, known, name)
    template = chosen if chosen is not None else known.get(DEFAULT)
    if template is None:
        if known:
            cause = f"none of the chat templates of {name} is its default"
            raise UsageError(cause, f"--chat-template {' or '.join(sorted(known))}")
        if given := options.given:
            raise UsageError(
                f"{given[0]}: {name} has no chat template", f"--chat-template FILE, or leave out {given[0]}"
            )
        return Chat(), (f"{name} has no chat template: it is asked plain texts, which it continues.",)
    chat = Chat(template=chosen, args=options.args, system=options.system)
    _try(chat, template, name, folder)
    told = f"The chat template of {name} asks for the time and is always told {CLOCK:%Y-%m-%d %H:%M}."
    return chat, (told,) if ASKS in template else ()


def _chosen(wanted: str | None, known: dict[str, str], name: str) -> str | None:
    """The text of the template that a user named, by a file or by a name that the model gives it."""
    if wanted is None or wanted in known:
        return known.get(wanted or "")
    file = Path(wanted).expanduser()
    if not file.is_file():
        names = f"it has {', '.join(sorted(known))}" if known else "it has none"
        raise UsageError(f"--chat-template {wanted}: no such file, and no template of {name}", names)
    if file.stat().st_size > LARGEST:
        raise UsageError(f"--chat-template {wanted}: more than {LARGEST} bytes")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"--chat-template {wanted} cannot be read: {error}") from None


def _try(chat: Chat, template: str, name: str, folder: Path) -> None:
    """Render one prompt, as the run will, and look for what went into it."""
    of = f"the chat template of {name}"
    try:
        unread = sorted(chat.args.keys() - (variables_of(template) - OURS))
        rendered = "" if unread else render(template, folder, chat.turns(PROBE), chat.args)
    except Exception as error:  # a template may raise anything
        said = " ".join(str(error).split())[:200]
        turns = "the user's turn" if chat.system is None else "a system turn before the user's"
        alone = "--system TEXT" if chat.system is None else "leave out --system"
        raise UsageError(f"{of} does not take {turns}: {said}", f"{alone}, or --chat-template FILE") from None
    if draws(template) or (not unread and rendered != render(template, folder, chat.turns(PROBE), chat.args)):
        raise UsageError(f"{of} makes another prompt of the same turns each time", "give another --chat-template")
    if unread:
        raise UsageError(f"{of} takes no {unread[0]!r}", f"leave out --template-arg {unread[0]}=…")
    if PROBE not in rendered:
        raise UsageError(f"{of} drops the user's turn", "give another --chat-template")
    if chat.system is not None and "".join(chat.system.split()) not in "".join(rendered.split()):
        raise UsageError(f"{of} drops the system turn", f"--system has no effect: {ANOTHER}")
