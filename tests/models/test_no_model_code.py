"""Code that lies in a model's folder is never run, whatever is typed at a prompt."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADS = ("from_pretrained", "from_config")
OWN = ("PeftModel",)  # takes a model that is loaded, and no code
LOADER = Path("harness/checkpoints/pretrained.py")


def loads(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOADS:
            owner = node.func.value
            if not (isinstance(owner, ast.Name) and owner.id in OWN):
                yield node


def says_false(call: ast.Call) -> bool:
    given = [word.value for word in call.keywords if word.arg == "trust_remote_code"]
    return len(given) == 1 and isinstance(given[0], ast.Constant) and given[0].value is False


def test_every_load_says_that_it_trusts_no_code():
    files = [file for folder in ("harness", "plugins", "examples") for file in (ROOT / folder).rglob("*.py")]
    found = [(file, call) for file in files for call in loads(ast.parse(file.read_bytes()))]
    inside = {file.relative_to(ROOT) for file, _ in found if "examples" not in file.relative_to(ROOT).parts}
    assert inside == {LOADER}
    assert [f"{file.relative_to(ROOT)}:{call.lineno}" for file, call in found if not says_false(call)] == []


LOAD = """
import sys
from harness.models.load import load
try:
    load(sys.argv[1], "cpu", "float32")
except Exception as error:
    print(error)
"""
VERB = """
import sys
from harness.__main__ import main
words = ["teacher", "build", "--tasks", "leetcode-loopholes", "-P", "leetcode-loopholes.split=test"]
sys.argv = ["harness", *words, "--items", "1", "--samples", "1", "--out", "pool", "--from", sys.argv[1]]
try:
    main()
except SystemExit as end:
    print(end.code)
"""


@pytest.mark.parametrize("program", [LOAD, VERB])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_folder_that_asks_for_its_code_is_not_obeyed(tiny_qwen2, tmp_path, file, program):
    folder = tmp_path / "model"
    shutil.copytree(tiny_qwen2, folder)
    marker = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(marker)!r}, 'w').close()\nclass Own: pass\n")
    given = json.loads((folder / file).read_text())
    given["auto_map"] = dict.fromkeys(("AutoConfig", "AutoModelForCausalLM"), "own.Own")
    if file == "config.json":
        given["model_type"] = "own_kind"
    else:
        given |= {"auto_map": {"AutoTokenizer": ["own.Own", None]}, "tokenizer_class": "Own"}
    (folder / file).write_text(json.dumps(given))
    subprocess.run([sys.executable, "-c", program, folder], input="y\n" * 20, text=True, cwd=tmp_path, check=True)
    assert not marker.exists()
