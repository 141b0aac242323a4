"""What lm-eval's backends need and can do, known before any of them is imported.

A backend that is not listed (another of lm-eval's, or one that a package registers) gets a chunk of questions at a
time, and its arguments name the model.
"""

from __future__ import annotations

from typing import Literal

from harness.contract import Record

API = ("requests", "aiohttp", "tenacity")  # what lm-eval's HTTP backends import


class BackendInfo(Record):
    """`place`: "folder" samples the weights of a folder in this process; "server" asks over HTTP, one question at a time;
    "other" is anything else."""

    place: Literal["folder", "server", "other"] = "other"
    requires: tuple[str, ...] = ()  # import names
    install: str = "the package that brings it"  # what to install when they are missing
    packed: bool = False  # loads the packed Q + L·R folders of compressors
    dense: bool = False  # is given what compressors make as an ordinary checkpoint
    key: str = ""  # environment variable that must hold its key
    route: str = ""  # of the OpenAI protocol; "" for other protocols
    base_url: str = ""  # its default URL
    chat: bool = False  # takes messages, and applies the chat template itself
    likelihood: bool = True  # scores given text
    seeded: bool = False  # takes a seed with each request

    @property
    def local(self) -> bool:
        """Asks a server of the user's own, which has no aliases for its models as a provider has."""
        return bool(self.route) and not self.base_url


_TORCH = {"place": "folder", "requires": ("torch", "transformers"), "packed": True}
_COMPLETIONS = {
    "place": "server", "requires": API, "install": "pip install 'goodhart-harness[lm-eval]'", "route": "/completions",
    "seeded": True,
}  # fmt: skip
_CHAT = {**_COMPLETIONS, "route": "/chat/completions", "chat": True, "likelihood": False}
_OPENAI = {"key": "OPENAI_API_KEY"}
_ANTHROPIC = {"key": "ANTHROPIC_API_KEY", "route": "", "seeded": False, "likelihood": False}

KNOWN: dict[str, BackendInfo] = {
    name: BackendInfo.model_validate(info)
    for name, info in {
        "hf": _TORCH,
        "hf-auto": _TORCH,
        "huggingface": _TORCH,
        "vllm": {
            "place": "folder", "requires": ("vllm",), "install": "pip install 'goodhart-harness[vllm]'", "seeded": True,
            "dense": True,
        },
        "sglang": {
            "place": "folder", "requires": ("sglang",), "install": "see docs.sglang.ai for its packages",
            "dense": True,
        },
        "local-completions": _COMPLETIONS,
        "local-chat-completions": _CHAT,
        "openai-completions": {
            **_COMPLETIONS, **_OPENAI, "requires": (*API, "tiktoken"), "base_url": "https://api.openai.com/v1/completions",
        },
        "openai-chat-completions": {**_CHAT, **_OPENAI, "base_url": "https://api.openai.com/v1/chat/completions"},
        "anthropic-chat": {**_CHAT, **_ANTHROPIC},
        "anthropic-chat-completions": {**_CHAT, **_ANTHROPIC},
        "anthropic-completions": {
            **_COMPLETIONS, **_ANTHROPIC, "requires": ("anthropic",), "install": "pip install anthropic",
        },
        "litellm": {**_CHAT, "route": "", "requires": (*API, "litellm"), "install": "pip install litellm"},
        "litellm-chat": {**_CHAT, "route": "", "requires": (*API, "litellm"), "install": "pip install litellm"},
        "litellm-chat-completions": {
            **_CHAT, "route": "", "requires": (*API, "litellm"), "install": "pip install litellm",
        },
        "textsynth": {**_COMPLETIONS, "key": "TEXTSYNTH_API_SECRET_KEY", "route": "", "seeded": False},
        "gguf": {**_COMPLETIONS, "route": "", "seeded": False},
        "ggml": {**_COMPLETIONS, "route": "", "seeded": False},
        "sglang-generate": {**_COMPLETIONS, "route": "", "seeded": False},
    }.items()
}  # fmt: skip


def backend_info(name: str) -> BackendInfo:
    return KNOWN.get(name, BackendInfo())
