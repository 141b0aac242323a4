"""The program in a reply, over the shapes that replies have."""

# ruff: noqa: E501 - a shape a line

from __future__ import annotations

import ast
import html
import json
import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.tasks.programs.extraction import function, program

F = "`" * 3
CODE = "class Solution:\n    def f(self, n):\n        return n + 1\n"
DRAFT = "class Solution:\n    def f(self, n):\n        return n - 1\n"
BROKEN = "class Solution:\n    def f(self, n):\n        for\n"
STUB = 'class Solution:\n    def f(self, n):\n        """To do."""\n        ...\n'
HELPER = "def step(n):\n    return n + 1\n"
WITH_HELPER = "class Solution:\n    def f(self, n):\n        return step(n)\n"


def fenced(code: str, info: str = "python", fence: str = F) -> str:
    return f"{fence}{info}\n{code}{fence}"


def indented(text: str, by: str) -> str:
    return textwrap.indent(text, by, lambda line: True).replace(f"{by}\n", "\n")


def session(code: str, prompt: str = ">>> ", more: str = "... ") -> str:
    """The code typed into an interpreter, with a blank line after each definition."""
    out = []
    for line in code.splitlines():
        out.append((more if line.startswith((" ", "\t")) else prompt) + line)
    return "\n".join([*out, more.rstrip()])


def answer_of(source: str) -> object:
    """What its Solution().f(1) returns: 2 for the wanted program."""
    scope: dict = {"__name__": "solution"}
    exec(compile(source, "reply", "exec"), scope)
    return scope["Solution"]().f(1)


SHAPES = {
    # fences
    "fence": fenced(CODE),
    "no language": fenced(CODE, ""),
    "capitals": fenced(CODE, "Python3"),
    "a title behind the language": fenced(CODE, 'python title="a.py" {linenos}'),
    "a space before the language": fenced(CODE, " python"),
    "prose around": f"Sure!\n\n{fenced(CODE)}\n\nIt adds one.",
    "prose right before and behind": f"Sure:\n{fenced(CODE)}\nIt adds one.",
    "tildes": fenced(CODE, fence="~~~"),
    "many tildes": fenced(CODE, fence="~~~~~~"),
    "four backticks": fenced(CODE, fence="````"),
    "five backticks around three": fenced(fenced(CODE) + "\n", "markdown", "`````"),
    "never closed": f"{F}python\n{CODE}",
    "closed on the last line of code": f"{F}python\n{CODE.rstrip()}{F}",
    "closed by more backticks": f"{F}python\n{CODE}`````",
    "code behind the fence": f"{F}python {CODE}{F}",
    "code behind a bare fence": f"{F}{CODE}{F}",
    "stray closing fence": f"{CODE}{F}",
    "stray opening fence": f"{fenced(CODE)}\n\n{F}python\n",
    "prose within the fence": f"{F}\nHere is the class.\n\n{CODE}\nThat's all of it.\n{F}",
    "closing fence with words": f"{F}python\n{CODE}{F} That is the class.\nIt's linear.",
    "windows line ends": f"Sure.\n\n{fenced(CODE)}\n\nDone.".replace("\n", "\r\n"),
    "old line ends": fenced(CODE).replace("\n", "\r"),
    "byte order mark": "\ufeff" + fenced(CODE),
    "zero-width space": f"\u200b{fenced(CODE)}",
    # lists, quotations, markup
    "list item": f"1. The code\n\n{indented(fenced(CODE), '   ')}\n\n2. It is linear.",
    "bullet": f"- The code:\n{indented(fenced(CODE), '  ')}\n- It is linear.",
    "bullet of four": f"*   The code:\n\n{indented(fenced(CODE), '    ')}",
    "nested list": f"1. One\n   - Two\n\n{indented(fenced(CODE), '     ')}\n",
    "list item, fence not indented": f"1. The code:\n{fenced(CODE)}\n2. It is linear.",
    "fence on the bullet's line": f"- {F}python\n{indented(CODE, '  ')}  {F}",
    "fence indented like code": f"The code:\n\n{indented(fenced(CODE), '    ')}\n\nDone.",
    "tab before the fence": f"The code:\n\n{indented(fenced(CODE), chr(9))}\n",
    "quotation": indented(fenced(CODE), "> ") + "\n\nThat is it.",
    "quotation without blanks": "\n".join(f">{line}" for line in fenced(CODE).splitlines()),
    "quotation in a list": f"1. Look:\n{indented(fenced(CODE), '   > ')}",
    "details": f"<details>\n<summary>Code</summary>\n{fenced(CODE)}\n</details>",
    "answer tags": f"<answer>\n{fenced(CODE)}\n</answer>",
    "answer tags around bare code": f"<answer>{CODE}</answer>",
    "heading": f"# Solution\n{fenced(CODE)}\n## Complexity\nlinear",
    # reasoning
    "thought": f"<think>\nFirst idea:\n{fenced(DRAFT)}\n</think>\n\n{fenced(CODE)}",
    "thought without its opening mark": f"Hmm, {fenced(DRAFT)} or so.\n</think>\n{fenced(CODE)}",
    "thought with an open fence": f"<think>\n{F}python\n{DRAFT}Hmm, no.\n</think>\n{fenced(CODE)}",
    "thought behind the program": f"{fenced(CODE)}\n<think>\nOr rather\n{fenced(DRAFT)}\n</think>\nNo, that is it.",
    "cut thought behind the program": f"{fenced(CODE)}\n<think>\nOr rather\n{fenced(DRAFT)}",
    "two thoughts": f"<think>{DRAFT}</think>\n{fenced(CODE)}\n<think>\n{fenced(DRAFT)}\n</think>\nDone.",
    "thought in a thought": f"<think>\na\n<think>\n{fenced(DRAFT)}\n</think>\n{fenced(DRAFT)}\n</think>\n{fenced(CODE)}",
    "thought that never ends": f"<think>\nLet me see. So:\n{fenced(CODE)}",
    "THINK": f"[THINK]{fenced(DRAFT)}[/THINK]{CODE}",
    "thinking": f"<thinking>\n{DRAFT}\n</thinking>\n{CODE}",
    "reasoning": f"<Reasoning>\n{fenced(DRAFT)}\n</Reasoning>\n{CODE}",
    "triangles": "◁think▷\n" + fenced(DRAFT) + "\n◁/think▷" + fenced(CODE),
    "thought tokens": f"<|begin_of_thought|>\n{DRAFT}\n<|end_of_thought|>\n<|begin_of_solution|>\n{CODE}<|end_of_solution|>",
    "channels": f"<|channel|>analysis<|message|>{fenced(DRAFT)}<|end|><|start|>assistant<|channel|>final<|message|>{fenced(CODE)}",
    "channels without their tokens": f"analysisMaybe {fenced(DRAFT)}assistantfinal{fenced(CODE)}",
    "a mark in the code": fenced(
        'class Solution:\n    def f(self, n):\n        return len("</think>".replace("<think>", "")) - 7 + n\n'
    ),
    # bare code
    "bare": CODE,
    "bare after prose": f"Here is my solution.\n\n{CODE}",
    "bare right after prose": f"Here's my solution:\n{CODE}",
    "bare between prose": f"Here is it: a class.\n\n{CODE}\nIt's linear, isn't it?",
    "bare, then a word": f"A class:\n\n{CODE}\nDone",
    "bare, then a remark like an annotation": f"A class.\n\n{CODE}\nComplexity: linear\nTime: O(n)",
    "bare, then bullets": f"A class.\n\n{CODE}\n- fast\n- short",
    "bare, then a heading": f"A class.\n\n{CODE}\n## Why\n\nBecause.",
    "bare, indented": f"The class:\n\n{indented(CODE, '    ')}\nThat is it.",
    "bare, by tabs": f"The class:\n\n{indented(CODE, chr(9))}",
    "bare in a quotation": f"The class:\n\n{indented(CODE, '> ')}\nThat is it.",
    "bare with imports": f"The class:\n\nimport math\nfrom typing import (\n    List,\n)\n\n\n{CODE}\nIt's short.",
    "bare with a decorator": f"So:\n@object.__new__\nclass Unused:\n    pass\n{CODE}\nThat's it.",
    "bare with doctests": 'So:\nclass Solution:\n    def f(self, n):\n        """\n        >>> Solution().f(1)\n        2\n        """\n'
    "        return n + 1\n\nThat's it.",
    "bare, windows line ends": f"The class:\n\n{CODE}\nThat's it.".replace("\n", "\r\n"),
    # other wrappings than Markdown's
    "after a word on its line": f"Answer: {CODE}",
    "bold": f"**{CODE.rstrip()}**",
    "one backtick": f"`{CODE.rstrip()}`",
    "PYTHON marks": f"[PYTHON]{CODE.rstrip()}[/PYTHON]",
    "fences of apostrophes": f"'''python\n{CODE}'''",
    "fences of quotes": f'"""python\n{CODE}"""',
    "fences of accents": f"´´´python\n{CODE}´´´",
    "HTML": f"<p>So:</p>\n<pre><code class='language-python'>{html.escape(CODE)}</code></pre>",
    "JSON": json.dumps({"why": "it adds one", "code": CODE}),
    "JSON in a fence": fenced(json.dumps({"code": CODE}, indent=1) + "\n", "json"),
    "a fence in JSON": json.dumps({"answer": fenced(CODE)}),
    "a tool's call": f'<tool_call>\n{json.dumps({"name": "python", "arguments": {"code": CODE}})}\n</tool_call>',
    "a notebook": json.dumps({"cells": [{"source": CODE.splitlines(keepends=True)}]}),
    "escaped line ends": json.dumps(fenced(CODE))[1:-1],
    "numbered lines": fenced("".join(f"{number:>3} {line}\n" for number, line in enumerate(CODE.splitlines(), 1))),
    "numbered lines with colons": "".join(f"{number}: {line}\n" for number, line in enumerate(CODE.splitlines(), 1)),
    "a patch": fenced("--- a\n+++ b\n@@ -1 +1,3 @@\n-pass\n" + indented(CODE, "+"), "diff"),
    "em spaces": fenced(CODE.replace("    ", "\u2003\u2003")),
    "word joiners": fenced(CODE.replace("def", "\u2060def")),
    "typographic quotes": fenced(CODE.replace("n + 1", "n + len(‘1’)")),
    "thought, and nothing else": f"<think>\nSo:\n{fenced(CODE)}\n</think>\n",
    "a sketch with an ellipsis behind it": f"{fenced(CODE)}\nIn short:\n" + fenced(CODE.replace("return n", "...\n        return n")),
    # sessions
    "session": session(CODE) + "\n>>> Solution().f(1)\n2\n",
    "session in a fence": fenced(session(CODE) + "\n>>> Solution().f(1)\n2\n", "pycon"),
    "session after prose": f"I tried it:\n\n{session(CODE)}\n>>> Solution().f(2)\n3\n\nIt works.",
    "session that fails at its end": fenced(session(CODE) + "\n>>> Solution().f('')\nTraceback (most recent call last):\n"
                                            "  ...\nTypeError: no\n"),
    "session with an import": fenced(f">>> import math\n{session(CODE)}\n"),
    "notebook session": session(CODE, "In [1]: ", "   ...: ") + "\n\nIn [2]: Solution().f(1)\nOut[2]: 2\n",
    "session of a draft, then a file": f"{fenced(session(DRAFT))}\n\nSo the file is\n\n{fenced(CODE)}",
    # several blocks
    "shell block beside": f"Run it:\n{fenced('python3 solution.py' + chr(10), 'bash')}\n\n{fenced(CODE)}",
    "output behind": f"{fenced(CODE)}\n\nOutput:\n{fenced('2' + chr(10), 'text')}",
    "pseudocode behind": f"{fenced(CODE)}\n\n{fenced('for each n: add one' + chr(10), '')}",
    "json behind": f"{fenced(CODE)}\n\n{fenced(chr(123) + '}' + chr(10), 'json')}",
    "another language behind": f"{fenced(CODE)}\n\n{fenced('class Solution { int f(int n) { return n + 1; } };' + chr(10), 'cpp')}",
    "usage that reads": f"{fenced(CODE)}\nTry:\n{fenced('print(Solution().f(int(input())))' + chr(10))}",
    "tests behind": f"{fenced(CODE)}\nTests:\n{fenced('assert Solution().f(1) == 3' + chr(10))}",
    "tests in functions behind": f"{fenced(CODE)}\n{fenced('def test_f():' + chr(10) + '    assert Solution().f(1) == 2' + chr(10))}",
    "tests in the block": fenced(f"{CODE}\nassert Solution().f(1) == 2\nprint('fine')\n"),
    "draft, then correction": f"First:\n{fenced(DRAFT)}\nThat is wrong. Corrected:\n{fenced(CODE)}",
    "broken draft, then program": f"First:\n{fenced(BROKEN)}\nBetter:\n{fenced(CODE)}",
    "open draft, then program": f"First:\n{F}python\n{DRAFT}\nWait, better:\n{fenced(CODE)}",
    "open broken draft, then program": f"First:\n{F}python\n{BROKEN}\nWait, better:\n{fenced(CODE)}",
    "bare draft, then bare program": f"First:\n\n{DRAFT}\nThat's wrong. Better:\n\n{CODE}\nThere.",
    "fenced draft, then bare program": f"First:\n{fenced(DRAFT)}\nThat's wrong. Better:\n\n{CODE}",
    "bare draft, then fenced program": f"First:\n\n{DRAFT}\nThat's wrong. Better:\n\n{fenced(CODE)}",
    "program, then its signature": f"{fenced(CODE)}\nIt keeps to the signature:\n{fenced(STUB)}",
    "signature, then program": f"Given:\n{fenced(STUB)}\nFilled in:\n{fenced(CODE)}",
    "program, then a broken copy": f"{fenced(CODE)}\nOr shorter:\n{fenced(BROKEN)}",
    "two classes in one block": fenced(f"{DRAFT}\n\n# corrected\n{CODE}"),
    "imports in a block of their own": f"{fenced('from math import prod' + chr(10))}\nThen\n"
    + fenced("class Solution:\n    def f(self, n):\n        return prod([n, 2])\n"),
    "helper in a block before": f"{fenced(HELPER)}\nWith it:\n{fenced(WITH_HELPER)}",
    "helper in a block behind": f"{fenced(WITH_HELPER)}\nwhere\n{fenced(HELPER)}",
    "helper in the draft's block": f"{fenced(HELPER + DRAFT + 'raise ValueError' + chr(10))}\nBetter:\n{fenced(WITH_HELPER)}",
    "helper of a helper": f"{fenced('ONE = 1' + chr(10))}\n{fenced('def step(n):' + chr(10) + '    return n + ONE' + chr(10))}\n"
    + fenced(WITH_HELPER),
    "helper class and its base": fenced("class Base:\n    one = 1\n\n\nclass Step(Base):\n    pass\n")
    + "\n" + fenced("class Solution:\n    def f(self, n):\n        return n + Step.one\n"),
    "helper corrected": f"{fenced('def step(n):' + chr(10) + '    return n' + chr(10))}\nNo:\n{fenced(HELPER)}\n{fenced(WITH_HELPER)}",
    # fences in strings
    "fence in a docstring": fenced(f'class Solution:\n    def f(self, n):\n        """\n        {F}\n        f(1) -> 2\n        {F}\n'
                                   '        """\n        return n + 1\n'),
    "fence in a docstring at the margin": fenced(f'class Solution:\n    def f(self, n):\n        """\n{F}\nf(1) -> 2\n{F}\n"""\n'
                                                 "        return n + 1\n"),
    "fence in a constant": fenced(f'NOTE = """\n{F}\nx = 1\n{F}\n"""\n\n{CODE}'),
    "opening fence in a docstring": fenced(f'class Solution:\n    """\n{F}python\nSolution().f(1)\n{F}\n    """\n'
                                           "    def f(self, n):\n        return n + 1\n") + "\n\nThere.",
    "one fence in a string": fenced(f'class Solution:\n    def f(self, n):\n        s = """\n{F}\n"""\n        return n + len(s) - 4\n'),
    "tilde fence around backticks": fenced(f'class Solution:\n    def f(self, n):\n        s = """\n{F}\n"""\n'
                                           "        return n + len(s) - 4\n", fence="~~~"),
    "backticks in a comment": fenced(f"{CODE}# {F} is a fence\n"),
    "fence in a docstring in a list": "1. So:\n\n" + indented(fenced(
        f'class Solution:\n    def f(self, n):\n        """\n        {F}\n        """\n        return n + 1\n'), "   "),
    "fence in a string of bare code": f'So:\n\nclass Solution:\n    def f(self, n):\n        s = """\n{F}\n"""\n'
                                      "        return n + len(s) - 4\n\nThat's it.",
    # words that happen to parse
    "language on a line of its own": f"{F}\npython\n{CODE}{F}",
    "language before bare code": f"python\n{CODE}",
    "copied from a page": f"python\nCopy code\n{CODE}",
    "a tag that is a list": f"[PYTHON]\n{CODE}",
    "a word before": f"Solution\n\n{CODE}",
    "a word behind": f"{CODE}\nDone",
    "an annotation behind": f"{CODE}\nComplexity: linear",
    "a bullet behind": f"## Code\n{CODE}\n## Notes\n- fast\n",
    "magics": fenced(f"!pip install x\n%timeit 1\n{CODE}"),
    # only the method again
    "method corrected": f"{fenced(DRAFT)}\nThe method should be:\n{fenced('def f(self, n):' + chr(10) + '    return n + 1' + chr(10))}",
    "method corrected, indented": f"{fenced(DRAFT)}\nReplace it by:\n{fenced('    def f(self, n):' + chr(10) + '        return n + 1' + chr(10))}",
    # odd indentation
    "code at the margin in a bullet": f"- So:\n  {F}python\n{CODE}  {F}\nText.",
    "code indented in its fence": fenced(indented(CODE, "    ") + "\n"),
    "no-break spaces": CODE.replace(" ", "\u00a0"),
    # ways to define the method
    "method by assignment": fenced("def g(self, n):\n    return n + 1\n\n\nclass Solution:\n    f = g\n"),
    "method set from outside": fenced("class Solution:\n    pass\n\n\nSolution.f = lambda self, n: n + 1\n"),
    "class by another name": fenced("class Mine:\n    def f(self, n):\n        return n + 1\n\n\nSolution = Mine\n"),
    "inherited": fenced("class Base:\n    def f(self, n):\n        return n + 1\n\n\nclass Solution(Base):\n    pass\n"),
    "class under a condition": fenced(f"if True:\n{indented(CODE, '    ')}\n"),
    "main guard": fenced(f"{CODE}\nif __name__ == '__main__':\n    print(Solution().f(int(input())))\n"),
    "from the future": fenced(f"from __future__ import annotations\n\n{CODE}"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_the_program_of_every_shape_is_found(shape: str) -> None:
    assert answer_of(program(SHAPES[shape], "f")) == 2


@pytest.mark.parametrize("first", ["fence", "bare after prose", "session", "list item", "thought", "quotation"])
@pytest.mark.parametrize("second", ["fence", "bare between prose", "tildes", "list item", "session in a fence"])
def test_the_last_of_two_shapes_wins(first: str, second: str) -> None:
    draft = SHAPES[first].replace("n + 1", "n + 7").replace("f(1)\n2", "f(1)\n8")
    assert answer_of(program(f"{draft}\n\nNo, that's wrong. So:\n\n{SHAPES[second]}", "f")) == 2


def test_a_program_alone_stays_as_it_is() -> None:
    for source in (
        CODE,
        f"{CODE}\nprint('all tests passed')\n",
        "import os\nos._exit(0)\n",
        f'"""\n{F}\n"""\n{CODE}',
        "",
    ):
        assert program(source, "f") == source


def test_the_block_alone_is_the_program() -> None:
    assert program(f"So:\n{fenced(CODE)}\nDone.", "f") == CODE


@pytest.mark.parametrize(
    ("reply", "source"),
    [
        (f"So:\n{fenced(STUB)}\n", STUB),
        (f"So:\n{fenced(BROKEN)}\n", BROKEN),
        (f"{fenced('x = 1' + chr(10))}\n{fenced('y = 2' + chr(10))}", "y = 2\n"),
        (f"{fenced('class Solution:' + chr(10) + '    x = 1' + chr(10))}\n{fenced('y = 2' + chr(10))}", "class Solution:\n    x = 1\n"),
        (f"{fenced('oh no' + chr(10))}", "oh no\n"),
        (f"So: {BROKEN}", f"So: {BROKEN}"),
        (f"<think>\n{fenced(CODE)}\n</think>\nI cannot do it.", "\nI cannot do it."),
        (F, F),
    ],
)  # fmt: skip
def test_without_a_complete_program_the_closest_is_given(reply: str, source: str) -> None:
    assert program(reply, "f").strip() == source.strip()


def test_code_that_is_cut_short_is_not_made_whole() -> None:
    reply = f"{F}python\nclass Solution:\n    def f(self, n):\n        return n + 1\n\n    def g(self, n):\n        return (n"
    assert not isinstance(_tree(program(reply, "f")), ast.Module)


def _tree(source: str) -> object:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        return error


EVALUATOR = "def run_tests():\n    assert Solution().f(1) == 2\n"


def test_an_evaluator_in_a_later_block_belongs_to_the_program() -> None:
    reply = f"{fenced(CODE)}\nAnd the tests:\n{fenced(EVALUATOR + 'run_tests()' + chr(10))}"
    assert "run_tests" not in program(reply, "f")
    found = program(reply, "f", "run_tests")
    assert answer_of(found) == 2
    assert "def run_tests" in found
    assert "\nrun_tests()" not in found


def test_an_evaluator_of_a_draft_does_not() -> None:
    assert "run_tests" not in program(f"{fenced(DRAFT + EVALUATOR)}\nNo:\n{fenced(CODE)}", "f", "run_tests")


PARTS = st.sampled_from(
    [F, "~~~", "\n", "\n\n", "python\n", "class Solution:\n", "    def f(self, n):\n", "        return n\n", "> ", ">>> ", "... ",
     "1. ", "   ", "\t", "<think>", "</think>", '"""', "'", "(", "Here's", "x = 1\n", "\r\n", "\x00", "\ud800", "<|end|>", "    "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(st.characters(), max_size=200), st.lists(PARTS, max_size=40).map("".join)))
def test_no_text_raises(reply: str) -> None:
    assert isinstance(program(reply, "f", "run_tests"), str)


@pytest.mark.parametrize(
    "piece",
    ["x = 1\n", "class Solution:\n", f"{F}\n", f"{F}python\nx = (\n", "> ", ">>> x\n", "(", "<think>\n", "</think>", "1. ", "import os\nno no\n",
     '"""\n', "def f(:\n", "@x\n", "    ", "\\\n", "- - - ", "[", "a = b = ", "~~~\nx\n"],
)  # fmt: skip
def test_long_repetitive_replies_are_read_quickly(piece: str) -> None:
    started = time.process_time()
    program(piece * (300_000 // len(piece)), "f")
    assert time.process_time() - started < 15


SOLVE = "def solve(n):\n    return n + 1\n"
FUNCTION_SHAPES = {
    "bare": SOLVE,
    "in prose": f"Sure!\n\n{fenced(SOLVE)}\n\nIt adds one.",
    "after a draft": f"{fenced(SOLVE.replace('+', '-'))}\n\nNo, better:\n\n{fenced(SOLVE)}",
    "before an example": f"{fenced(SOLVE)}\n\nFor example:\n\n{fenced('print(solve(1))')}",
    "a helper in another block": f"{fenced(HELPER)}\n\n{fenced('def solve(n):' + chr(10) + '    return step(n)' + chr(10))}",
    "a lambda": fenced("solve = lambda n: n + 1\n"),
    "after thinking": f"<think>\n{fenced(SOLVE.replace('+', '-'))}\n</think>\n{fenced(SOLVE)}",
    "a stub before it": f"{fenced('def solve(n):' + chr(10) + '    ...' + chr(10))}\n\n{fenced(SOLVE)}",
}


@pytest.mark.parametrize("shape", FUNCTION_SHAPES)
def test_a_function_is_found_in_every_shape(shape: str) -> None:
    scope: dict = {"__name__": "solution"}
    exec(compile(function(FUNCTION_SHAPES[shape], "solve"), "reply", "exec"), scope)
    assert scope["solve"](1) == 2
