"""The commands that the documents show, as a reader would type them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = (
    "harness ", "pip install", "make ", "python ", "lm_eval run", "git clone", "curl ", "tensorboard --", "transformers serve ",
    "FOLDER/bin/vllm serve ",
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    page: str
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def leading(self) -> list[str]:
        """The options before the verb, each with its value."""
        words = self.words[1:]
        return words[: next((at for at in range(0, len(words), 2) if not words[at].startswith("-")), len(words))]

    @property
    def rest(self) -> list[str]:
        """The verb and what follows it."""
        return self.words[1 + len(self.leading) :]

    @property
    def verb(self) -> str:
        return self.rest[0]


def documented(*patterns: str) -> list[Command]:
    """Each command once, of the pages that match."""
    pages = [page for pattern in patterns for page in sorted(ROOT.glob(pattern))]
    found = {text: page for page in reversed(pages) for text in commands(page.read_text(encoding="utf-8"))}
    return sorted(
        (Command(str(page.relative_to(ROOT)), text) for text, page in found.items()), key=lambda one: one.page
    )


def commands(text: str) -> Iterator[str]:
    """Those of indented lines, and those that stand whole within a sentence. "…" is something left out."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    indented = (line.strip() if line.startswith("    ") else "" for line in re.sub(r"\\\n\s*", "", prose).splitlines())
    blocks = re.sub(r"^- run: ", "", "\n".join(indented), flags=re.MULTILINE)
    inline = "\n".join(" ".join(found.split()) for found in re.findall(r"`([^`…]+ [^`…]+)`", prose))
    for line in whole_lines(f"{blocks}\n{inline}"):
        for one in re.sub(r"\s\s+#.*", "", line).replace("; harness", " && harness").split(" && "):
            if one.startswith(PROGRAMS):
                yield one


def whole_lines(text: str) -> Iterator[str]:
    """Lines of commands, joined where a quotation goes on."""
    held = ""
    for line in text.splitlines():
        held = f"{held} {line}" if held else line if line.startswith(PROGRAMS) else ""
        try:
            shlex.split(held)
        except ValueError:
            continue
        if held:
            yield held
        held = ""


PLUGIN_PAGES = {
    "tasks": "capitals.py",
    "compressor": "ternary.py",
    "detector": "hedging.py",
    "trainer": "imitate.py",
    "lifecycle": "count_cells.py",
}


def write_plugins(folder: Path) -> Path:
    """The files of docs/how-to/plugins/*.md, each under the name in its first line."""
    folder.mkdir()
    for page, name in PLUGIN_PAGES.items():
        text = (ROOT / "docs" / "how-to" / "plugins" / f"{page}.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n# (\w+\.py)(?:, continued)?\n(.*?)```", text, re.DOTALL)
        assert {found for found, _ in blocks} == {name}
        (folder / name).write_text("\n\n".join(block for _, block in blocks), encoding="utf-8")
    return folder
