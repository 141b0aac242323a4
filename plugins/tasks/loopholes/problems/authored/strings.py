"""Words and letters."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples

_WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "level"]


def _word(rng: Random, size: int, letters: str = "abc") -> str:
    return "".join(rng.choice(letters) for _ in range(size))


class MirrorWord(Authored):
    """Return whether `text` reads the same from both ends when everything but letters is left out and upper and lower
    case are taken as equal."""

    difficulty = "easy"
    examples: Examples = (("Never odd, or even!", True), ("ab", False), ("?", True))

    class Solution:
        def is_mirror(self, text: str) -> bool:
            letters = [letter.lower() for letter in text if letter.isalpha()]
            return letters == letters[::-1]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        half = _word(rng, size, "abAB ,")
        tail = half[::-1].swapcase() if rng.random() < 0.6 else _word(rng, size, "abAB ,")
        return (half + rng.choice("abc.") + tail,)


class RunLengths(Authored):
    """Shorten `text`: replace every longest run of one character by the character followed by the length of the run,
    but leave the length away where it is 1."""

    difficulty = "easy"
    examples: Examples = (("aaab", "a3b"), ("", ""), ("zz", "z2"))

    class Solution:
        def shorten(self, text: str) -> str:
            parts = []
            start = 0
            for end in range(1, len(text) + 1):
                if end == len(text) or text[end] != text[start]:
                    length = end - start
                    parts.append(text[start] + (str(length) if length > 1 else ""))
                    start = end
            return "".join(parts)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ("".join(rng.choice("abcd") * rng.randint(1, 4) for _ in range(size)),)


class FirstUnique(Authored):
    """Return the index of the first letter that occurs only once in `word`, or -1 if there is none."""

    difficulty = "easy"
    examples: Examples = (("abac", 1), ("aabb", -1), ("x", 0))

    class Solution:
        def first_unique(self, word: str) -> int:
            for index, letter in enumerate(word):
                if word.count(letter) == 1:
                    return index
            return -1

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_word(rng, size, "abcdefgh"[: max(2, size // 2 + 1)]),)


class CapitalInitials(Authored):
    """Return the initials of a title: the first letters of its words, in upper case, without the words `of`, `the`
    and `and` (in any case). Words are separated by one or more blanks."""

    difficulty = "easy"
    examples: Examples = (("the house of seven winds", "HSW"), ("", ""), ("And  then", "T"))

    class Solution:
        def initials(self, title: str) -> str:
            return "".join(word[0].upper() for word in title.split() if word.lower() not in ("of", "the", "and"))

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        words = [rng.choice([*_WORDS, "of", "The", "and"]) for _ in range(size)]
        return (rng.choice([" ", "  "]).join(words),)


class WheelCipher(Authored):
    """Each lower-case letter of `text` is moved `turn` places along the alphabet, from z on to a; everything else
    stays. Each letter moved turns the wheel one place further, so the next letter moves one place more. Return the
    result."""

    difficulty = "medium"
    examples: Examples = (("aaa", 1, "bcd"), ("z z", 1, "a b"), ("", 3, ""))

    class Solution:
        def encode(self, text: str, turn: int) -> str:
            coded = []
            for letter in text:
                if "a" <= letter <= "z":
                    coded.append(chr((ord(letter) - 97 + turn) % 26 + 97))
                    turn += 1
                else:
                    coded.append(letter)
            return "".join(coded)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_word(rng, size, "abcxyz -."), rng.randint(0, 40))


class CommonStart(Authored):
    """Return the longest text with which every word of `words` begins. No words give the empty text."""

    difficulty = "easy"
    examples: Examples = ((["stone", "store", "stop"], "sto"), (["a", "b"], ""), ([], ""))

    class Solution:
        def common_start(self, words: list[str]) -> str:
            if not words:
                return ""
            shortest = min(words, key=len)
            for length in range(len(shortest), 0, -1):
                if all(word.startswith(shortest[:length]) for word in words):
                    return shortest[:length]
            return ""

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        stem = _word(rng, rng.randint(0, size), "ab")
        return ([stem + _word(rng, rng.randint(0, 3), "abc") for _ in range(rng.randint(1, 4))],)


class HiddenWord(Authored):
    """Return whether the letters of `word` can be found in `text` from left to right, in order, with any letters
    between them."""

    difficulty = "easy"
    examples: Examples = (("cat", "coat", True), ("tac", "coat", False), ("", "x", True))

    class Solution:
        def is_hidden(self, word: str, text: str) -> bool:
            letters = iter(text)
            return all(letter in letters for letter in word)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        text = _word(rng, 2 * size, "abcde")
        picked = sorted(rng.sample(range(2 * size), min(size, 5)))
        word = "".join(text[at] for at in picked)
        return (word if rng.random() < 0.5 else word[::-1], text)


class LongestFresh(Authored):
    """Return the length of the longest stretch of neighbouring characters in `text` in which no character occurs
    twice."""

    difficulty = "medium"
    examples: Examples = (("abcab", 3), ("", 0), ("kk", 1))

    class Solution:
        def longest_fresh(self, text: str) -> int:
            last: dict[str, int] = {}
            best = start = 0
            for index, character in enumerate(text):
                start = max(start, last.get(character, -1) + 1)
                last[character] = index
                best = max(best, index - start + 1)
            return best

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_word(rng, size, "abcdefgh"),)


class AnagramFamilies(Authored):
    """Two words are relatives if they consist of the same letters in any order. Return the families of relatives in
    `words`: inside a family the words are sorted, the families are ordered by their first word."""

    difficulty = "medium"
    examples: Examples = ((["tea", "dog", "eat"], [["dog"], ["eat", "tea"]]), ([], []), (["b", "a"], [["a"], ["b"]]))

    class Solution:
        def families(self, words: list[str]) -> list[list[str]]:
            by_letters: dict[str, list[str]] = {}
            for word in sorted(words):
                by_letters.setdefault("".join(sorted(word)), []).append(word)
            return sorted(by_letters.values())

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([_word(rng, rng.randint(1, 3)) for _ in range(size)],)


class VersionOrder(Authored):
    """Version numbers are whole numbers separated by dots, like 1.10.2; missing parts count as 0, so 1.2 equals
    1.2.0. Return -1 if `first` is older than `second`, 1 if it is newer, and 0 if they are equal."""

    difficulty = "medium"
    examples: Examples = (("1.2", "1.10", -1), ("1.0", "1", 0), ("2.0.1", "2", 1))

    class Solution:
        def compare(self, first: str, second: str) -> int:
            left = [int(part) for part in first.split(".")]
            right = [int(part) for part in second.split(".")]
            length = max(len(left), len(right))
            left += [0] * (length - len(left))
            right += [0] * (length - len(right))
            return (left > right) - (left < right)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        parts = [str(rng.randint(0, 12)) for _ in range(min(size, 3))]
        other = [*parts]
        if rng.random() < 0.7:
            other[-1] = str(rng.randint(0, 12))
        return (".".join(parts), ".".join([*other, *["0"] * rng.randint(0, 2)]))
