"""How a prompt becomes the turns of a conversation. It changes what a model reads, so it is part of a sample's key."""

from __future__ import annotations

from pydantic import JsonValue

from harness.contract.records import Record


class Chat(Record):
    """A model's chat template with its arguments, and the system turn that stands before every prompt."""

    template: str | None = None  # its text; None: the model's own
    args: dict[str, JsonValue] = {}  # variables of the template, such as enable_thinking
    system: str | None = None  # None: no such turn. Templates may put in one of their own

    def turns(self, text: str) -> list[dict[str, str]]:
        """The conversation that ends with a prompt's text."""
        before = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*before, {"role": "user", "content": text}]

    def apply(self, tokenizer: object, text: str) -> str | None:
        """What the model reads of a prompt, up to where its reply begins; None if neither side has a template."""
        if not (self.template or getattr(tokenizer, "chat_template", None)):
            return None
        rendered: str = tokenizer.apply_chat_template(  # type: ignore[attr-defined]
            self.turns(text), chat_template=self.template, tokenize=False, add_generation_prompt=True, **self.args
        )
        return rendered
