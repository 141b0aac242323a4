"""Commands read by the grammar of their tools: which flags are unknown, contradict each other, or come again for nothing."""

from __future__ import annotations

import shlex
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, islice
from pathlib import Path

from harness import Record

SEPARATORS = frozenset({"|", "||", "&&", ";", "&", "|&"})
REDIRECTIONS = frozenset({"<", ">", ">>", ">&", "<<<", "&>"})


class Grammar(Record):
    """What `grammars.toml` says of a tool."""

    plain: frozenset[str]
    valued: frozenset[str]
    repeatable: frozenset[str] = frozenset()
    exclusive: tuple[frozenset[str], ...] = ()
    joined: frozenset[str] = frozenset()  # valued flags whose value may follow in the same word, where flags are words
    commands: frozenset[str] = frozenset()  # the first operand is one of these
    alias: dict[str, str] = {}
    until: dict[str, tuple[str, ...]] = {}
    words: bool = False
    digits: bool = False
    bundle: bool = False
    stop: bool = False


@cache
def grammars() -> dict[str, Grammar]:
    """By tool."""
    found = tomllib.loads(Path(__file__).with_name("grammars.toml").read_text(encoding="utf-8"))
    return {tool: Grammar.model_validate(row) for tool, row in found.items()}


@dataclass
class Call:
    """One tool with its flags (each with its value, "" where it takes none) and operands, and what is wrong with them."""

    tool: str
    flags: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    contradictory: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)  # flags without the value that they need

    @property
    def valid(self) -> bool:
        faults = (self.unknown, self.contradictory, self.repeated, self.incomplete)
        grammar = grammars().get(self.tool)
        if grammar is None or any(faults):
            return False
        return not grammar.commands or bool(self.operands and self.operands[0] in grammar.commands)

    @property
    def means(self) -> tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Tool, flags in any order, operands in theirs: equal for commands that say the same."""
        return self.tool, tuple(sorted(self.flags)), tuple(self.operands)


@dataclass(frozen=True)
class Reading:
    """The calls of a command line. `parsed` is false where it has no words, or quotes that do not end."""

    calls: tuple[Call, ...] = ()
    parsed: bool = True

    @property
    def valid(self) -> bool:
        return self.parsed and bool(self.calls) and all(call.valid for call in self.calls)

    @property
    def means(self) -> list[tuple[object, ...]]:
        return [call.means for call in self.calls]

    @property
    def tools(self) -> list[str]:
        return [call.tool for call in self.calls]

    @property
    def flags(self) -> int:
        return sum(len(call.flags) + len(call.unknown) for call in self.calls)

    @property
    def unknown_share(self) -> float:
        """Of the flags, those that their tool does not have; all of them where there is no such tool."""
        unknown = sum(len(call.unknown) for call in self.calls)
        return unknown / self.flags if self.flags else 0.0

    @property
    def contradictory(self) -> bool:
        return any(call.contradictory for call in self.calls)

    @property
    def repeated(self) -> bool:
        return any(call.repeated for call in self.calls)


def read(line: str) -> Reading:
    """Never raises on any text."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    try:
        words = list(islice(lexer, 1000))
    except ValueError:
        return Reading(parsed=False)
    calls: list[list[str]] = [[]]
    for word in words:
        if word in SEPARATORS:
            calls.append([])
        else:
            calls[-1].append(word)
    if not words or not all(calls):
        return Reading(parsed=False)
    return Reading(tuple(_call(_without_redirections(one)) for one in calls))


def _without_redirections(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or word in REDIRECTIONS:
            skip = word in REDIRECTIONS
        else:
            kept.append(word)
    return kept or [""]


def _call(words: list[str]) -> Call:
    tool, *rest = words
    call = Call(tool)
    grammar = grammars().get(tool)
    if grammar is None:
        call.unknown = [word for word in rest if word.startswith("-") and word != "-"]
        call.operands = [word for word in rest if not word.startswith("-")]
        return call
    queue = rest[::-1]
    if (
        grammar.bundle
        and queue
        and queue[-1][:1].isalpha()
        and all(f"-{c}" in grammar.plain | grammar.valued for c in queue[-1])
    ):
        queue.append(f"-{queue.pop()}")
    while queue:
        word = queue.pop()
        if word == "--":
            call.operands += queue[::-1]
            break
        if not word.startswith("-") or word == "-":
            call.operands.append(word)
            if grammar.stop:
                break
        elif word in grammar.until:
            while queue and queue.pop() not in grammar.until[word]:
                pass
            call.flags.append((word, ""))
        elif grammar.digits and word[1:].isdigit():
            call.flags.append(("-n", word[1:]))
        elif grammar.words or word.startswith("--"):
            _word(call, grammar, word, queue)
        else:
            _letters(call, grammar, word[1:], queue)
    _judge(call, grammar)
    return call


def _word(call: Call, grammar: Grammar, word: str, queue: list[str]) -> None:
    """A flag that is a whole word: -name, --lines, --lines=3, or with its value joined, -p80."""
    name, equals, value = word.partition("=")
    name = grammar.alias.get(name, name)
    if name in grammar.valued:
        _valued(call, name, value if equals else None, queue)
    elif name in grammar.plain and not equals:
        call.flags.append((name, ""))
    elif start := next(
        (flag for flag in grammar.joined if word.startswith(flag) and word[len(flag) :][:1].isdigit()), None
    ):
        call.flags.append((start, word[len(start) :]))
    else:
        call.unknown.append(name)


def _letters(call: Call, grammar: Grammar, letters: str, queue: list[str]) -> None:
    """Flags of one letter, joined; the value of one may be what follows it."""
    for at, letter in enumerate(letters):
        name = f"-{letter}"
        if name in grammar.valued:
            _valued(call, name, letters[at + 1 :] or None, queue)
            return
        if name in grammar.plain:
            call.flags.append((name, ""))
        else:
            call.unknown.append(name)


def _valued(call: Call, name: str, value: str | None, queue: list[str]) -> None:
    if value is None and not queue:
        call.incomplete.append(name)
    call.flags.append((name, value if value is not None else queue.pop() if queue else ""))


def _judge(call: Call, grammar: Grammar) -> None:
    counts = Counter(name for name, _ in call.flags)
    again = [name for name, count in counts.items() if count > 1 and name not in grammar.repeatable]
    for name in again:
        values = {value for flag, value in call.flags if flag == name}
        (call.contradictory if len(values) > 1 else call.repeated).append(name)
    for group in grammar.exclusive:
        for one, other in combinations(sorted(group & counts.keys()), 2):
            call.contradictory.append(f"{one} {other}")
