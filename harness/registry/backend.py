"""Which model a backend stands for, as data that goes into plans, keys and reports. It never holds a secret."""

from __future__ import annotations

from pydantic import JsonValue

from harness.contract.records import Record

NOTES = "backend.json"  # beside a cell's samples: what the report says of who answered
PACE = ("num_concurrent", "max_retries", "timeout")  # change when a reply comes, not what it says


class BackendNotes(Record):
    """What a reader of the report must know of the samples that came through a backend."""

    backend: dict[str, JsonValue]
    says_truncated: bool = True  # which replies the token limit cut
    templated: bool = True
    answered_by: tuple[str, ...] = ()  # what the server called the models that answered
    same_in_all_repeats: bool = False  # of former versions: today it is read from the replies


class Backend(Record):
    """An lm-eval backend with its arguments, as far as they may be written down (see `arguments`)."""

    name: str
    args: dict[str, JsonValue] = {}
    reported: str = ""  # what the server itself calls the model that answers
    engine: str = ""  # what serves it, where that is known: "vllm"
    coupled: bool = False  # draws the harness's own noise (`harness.vllm`), the same for every arm
    version: str = ""  # of lm-eval

    @property
    def identity(self) -> dict[str, JsonValue]:
        """What a reply depends on, beside the question and, where it samples a folder, the weights in it."""
        kept: dict[str, JsonValue] = {name: value for name, value in self.args.items() if name not in PACE}
        coupled: dict[str, JsonValue] = {"coupled": True} if self.coupled else {}
        return {"backend": self.name, "args": kept, "reported": self.reported, "lm_eval": self.version, **coupled}
