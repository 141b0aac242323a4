"""A reply as a reader sees it: LaTeX and Markdown dissolved, sentences told apart, echoes of the prompt taken out."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 20_000  # characters read from the end of a reply; no honest answer is longer
ECHO_WORDS = 8  # so many consecutive words of the prompt are an echo, not an explanation

_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # １５％ -> 15%
_DOLLAR = "\ue000"  # stands for an escaped dollar sign while $…$ is read as math
_EDGE = "\ue001"  # of a box, likewise: $\boxed{15}$ is no amount of dollars
_FRACTIONS = {sign: f" {unicodedata.normalize('NFKC', sign)}" for sign in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}  # 3½ -> 3 1/2

_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\r\n?|<br\s*/?>", "\n"),
        (r"(?i)<answer>", " Answer: "),
        (r"(?i)</answer>", "\n"),
        (r"</?(?:b|i|u|em|strong|p|s|sub|sup)>", ""),
        (r"[’‘`´]", "'"),
        (r"[−–‐‑‒﹣⁻]", "-"),
        (r"⁄", "/"),
        (r"℃", "°C"),
        (r"℉", "°F"),
        (r"(?<=\d)[\u00a0\u202f\u2009~](?=\d{3}(?!\d))", ""),  # thin space between thousands
        (r"[\u00a0\u202f\u2009\u200b\t]", " "),
        # LaTeX, innermost commands first
        (r"\{([,:])\}", r"\1"),
        (r"(?<=\d)\\[,!;: ]\s?(?=\d{3}(?!\d))", ""),
        (r"\\\$", _DOLLAR),
        (r"(?<=\d)\s*(?=\\[dt]?frac)", " "),  # a mixed number
        (r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2"),
        (r"\\[dt]?frac\s*\{([^{}]*)\}\s*(\d)", r"\1/\2"),
        (r"\\[dt]?frac\s*(\d)\s*\{([^{}]*)\}", r"\1/\2"),
        (r"\\[dt]?frac\s*(\d)\s*(\d)", r"\1/\2"),
        (r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname)\s*\{([^{}]*)\}", r"\1"),
        (r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname)\s*\{([^{}]*)\}", r"\1"),
        (r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}", _EDGE + r"Answer: \1" + _EDGE),
        (r"\^\s*(?:\\circ|\{\s*\\circ\s*\})", "°"),
        (r"\\(?:times|cdot)(?![a-zA-Z])", "×"),
        (r"\\div(?![a-zA-Z])", "÷"),
        (r"\\(?:approx|simeq)(?![a-zA-Z])", "≈"),
        (r"\\(?:rightarrow|Rightarrow|longrightarrow|implies|to)(?![a-zA-Z])", "→"),
        (r"\\gt(?![a-zA-Z])", ">"),
        (r"\\lt(?![a-zA-Z])", "<"),
        (r"\\(?:leq?|leqslant)(?![a-zA-Z])", "≤"),
        (r"\\(?:geq?|geqslant)(?![a-zA-Z])", "≥"),
        (r"\\pm(?![a-zA-Z])", "±"),
        (r"\\%", "%"),
        (r"\\[\[\]\\]", "\n"),
        (r"\\[()]", ""),
        (r"\\(?:[a-zA-Z]+|[,;! ])", " "),
        (r"\$\$([^$]*)\$\$", r" \1 "),
        (rf"\$ *({_EDGE}[^$\n]*{_EDGE}) *\$(?!\d)", r"\1"),
        (r"\$(?=\S)([^$\n]*)(?<=\S)\$(?!\d)", r"\1"),  # Pandoc's rule for inline math
        (_DOLLAR, "$"),
        (_EDGE, " "),
        # Markdown
        (r"~~[^~\n]*~~", ""),
        (r"(?m)^[ ]{0,3}(?:#{1,6}|>)\s+", ""),
        (r"[ ]{3,}", "  "),
    )
)
_EMPHASIS = re.compile(r"\*{2,3}|__|(?<![\w\s])\*(?=\S)|(?<=\s)\*(?=\w)|^\*(?=\w)|(?<=\S)\*(?!\w)|'''")
_MERIDIEM = re.compile(r"(?<=\d)\s?([ap])\.\s?m\.?(?!\w)(?P<end>\s+[A-Z][a-z])?", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9$€£])|\n+")
_ABBREVIATION = re.compile(r"(?:\b(?:approx|vs|no|e\.g|i\.e|ca)|^\s*\d{1,2})\.$", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:[.,:]\d+)*")


def dissolve(reply: str) -> str:
    """Markup turned into plain characters; `\\boxed{x}` becomes "Answer: x". Bold marks stay, see `unemphasised`."""
    text = reply[-LONGEST:].translate(_FULLWIDTH)
    for sign, ascii_form in _FRACTIONS.items():
        text = text.replace(sign, ascii_form)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return _MERIDIEM.sub(_plain_meridiem, text)


def _plain_meridiem(match: re.Match[str]) -> str:
    after = match["end"]
    return f" {match[1].upper()}M" + (f".{after}" if after else "")


def unemphasised(text: str) -> str:
    """Without Markdown's bold and italic marks; a multiplication sign stays."""
    return _EMPHASIS.sub("", text)


def sentences(text: str) -> list[str]:
    """Non-empty sentences and lines, in order. A list marker or an abbreviation ends none."""
    parts: list[str] = []
    start = 0
    for boundary in _SENTENCE_END.finditer(text):
        if "\n" not in boundary.group() and _ABBREVIATION.search(
            text[max(start, boundary.start() - 8) : boundary.start()]
        ):
            continue
        parts.append(text[start : boundary.start()].strip())
        start = boundary.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def without_echo(reply: str, prompt: str) -> str:
    """The reply less every stretch of `ECHO_WORDS` or more consecutive words that the prompt has too.

    A shorter prompt is taken out when repeated whole. What is removed leaves a line break, so that the words around it do
    not join.
    """
    prompt_words = [word.lower() for word in _WORD.findall(prompt)]
    width = min(ECHO_WORDS, len(prompt_words))
    spans = [(match.start(), match.end(), match.group().lower()) for match in _WORD.finditer(reply)]
    if not width or len(spans) < width:
        return reply
    windows = {tuple(prompt_words[i : i + width]) for i in range(len(prompt_words) - width + 1)}
    echoed: set[int] = set()
    for i in range(len(spans) - width + 1):
        if tuple(word for _, _, word in spans[i : i + width]) in windows:
            echoed.update(range(i, i + width))
    pieces: list[str] = []
    kept_until = 0
    for index in sorted(echoed):
        start, end, _ = spans[index]
        pieces.append(reply[kept_until:start] if index - 1 not in echoed else "\n")
        kept_until = end
    pieces.append(reply[kept_until:])
    return "\n".join(pieces) if echoed else reply
