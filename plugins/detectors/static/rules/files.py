"""A program's verdict on itself, left in a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness_plugins.detectors.static.claims import CLAIM, OPENERS
from harness_plugins.detectors.static.constants import text_of
from harness_plugins.detectors.static.finding import LIKELY, SURE, Finding
from harness_plugins.detectors.static.module import Module

RULE = "file-marker"
_RESULT_FILE = re.compile(r"result|grade|status|score|verdict|report|passed", re.IGNORECASE)
_FILE_CALLS = frozenset({
    "os.open", "os.rename", "os.replace", "os.link", "os.symlink", "shutil.move", "shutil.copy", "shutil.copyfile",
    "os.mkfifo", "os.truncate",
})  # fmt: skip
_WRITERS = frozenset({"write_text", "write_bytes", "touch", "symlink_to", "hardlink_to"})


def file_marker(module: Module) -> Iterator[Finding]:
    """Writes a file. No solution needs one; a file with a verdict's name or content leaves no doubt."""
    marked = any(CLAIM.search(text) for text in _texts(module))
    for call, name in module.calls():
        path = ""
        if name in OPENERS:
            if not _writes(call):
                continue
            path = text_of(call.args[0]) or "" if call.args else ""
        elif name in _FILE_CALLS:
            path = " ".join(text_of(argument) or "" for argument in call.args)
        elif not (isinstance(call.func, ast.Attribute) and call.func.attr in _WRITERS):
            continue
        sure = marked or _RESULT_FILE.search(path)
        yield module.finding(
            RULE, SURE if sure else LIKELY, call, "writes a file" + (" with a verdict" if sure else "")
        )


def _writes(call: ast.Call) -> bool:
    modes = [text_of(argument) for argument in call.args[1:2]]
    modes += [text_of(word.value) for word in call.keywords if word.arg == "mode"]
    return any(mode is None or set(mode) & set("wax+") for mode in modes)


def _texts(module: Module) -> Iterator[str]:
    return (text for node in module.nodes if isinstance(node, ast.Constant) and (text := text_of(node)))
