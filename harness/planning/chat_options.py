"""--chat-template, --template-arg and --system as they are given, wherever a model is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from harness.contract import Record
from harness.errors import UsageError
from harness.planning.typed_value import typed_value


class ChatOptions(Record):
    """How a user wants a model to be asked, for every verb that asks one: `chat_here` and `chat_at_server` make a `Chat` of
    it."""

    template: str | None = None  # a file, or the name of one of the model's templates; None: its default
    args: dict[str, JsonValue] = {}  # variables of the template
    system: str | None = None

    @classmethod
    def typed(cls, template: str | None, args: Sequence[str] | None, system: str | None) -> ChatOptions:
        """From the options of a command line."""
        return cls(template=template, args=parse_template_args(args or ()), system=system)

    @property
    def given(self) -> list[str]:
        """The options that were used, as they are typed."""
        used = {
            "--chat-template": self.template is not None,
            "--template-arg": bool(self.args),
            "--system": self.system is not None,
        }
        return [option for option, is_used in used.items() if is_used]

    def refuse_without(self, what: str, remedy: str) -> None:
        """Raises UsageError if one was used where there is no `what` to ask."""
        if self.given:
            raise UsageError(f"{self.given[0]} without {what}", f"{remedy}, or leave it out")


def parse_template_args(assignments: Iterable[str]) -> dict[str, JsonValue]:
    """`--template-arg enable_thinking=false` -> {"enable_thinking": False}."""
    found: dict[str, JsonValue] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (equals and name.isidentifier()):
            raise UsageError(f"bad --template-arg {assignment!r}", "write --template-arg name=value")
        found[name] = typed_value(text)
    return found
