"""Answers built from answers to smaller questions."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


class StairWays(Authored):
    """A staircase of `steps` steps is climbed by taking one or three steps at a time. Return in how many different
    ways; an empty staircase has one."""

    difficulty = "easy"
    examples: Examples = ((4, 3), (0, 1), (3, 2))

    class Solution:
        def ways(self, steps: int) -> int:
            counts = [1, 1, 1]
            while len(counts) <= steps:
                counts.append(counts[-1] + counts[-3])
            return counts[steps]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, 2 * size),)


class FewestCoins(Authored):
    """Return the smallest number of coins that add up to `amount`, with as many coins of each value in `coins` as you
    like, or -1 if it is impossible. Values are positive."""

    difficulty = "medium"
    examples: Examples = (([1, 4, 5], 8, 2), ([3], 4, -1), ([2], 0, 0))

    class Solution:
        def fewest(self, coins: list[int], amount: int) -> int:
            best: list[int] = [0]
            for total in range(1, amount + 1):
                options = [best[total - coin] for coin in coins if coin <= total and best[total - coin] >= 0]
                best.append(min(options) + 1 if options else -1)
            return best[amount]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (sorted(rng.sample(range(2, 12), rng.randint(1, 3))), rng.randint(0, 4 * size))


class SpacedHarvest(Authored):
    """Fields lie in a row; `yields` says what each would give. Of two neighbouring fields only one may be harvested.
    Return the largest total harvest."""

    difficulty = "medium"
    examples: Examples = (([3, 5, 4], 7), ([], 0), ([6, 1, 1, 6], 12))

    class Solution:
        def best_harvest(self, yields: list[int]) -> int:
            with_last, without_last = 0, 0
            for amount in yields:
                with_last, without_last = without_last + amount, max(with_last, without_last)
            return max(with_last, without_last)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 15) for _ in range(size)],)


class LongestRise(Authored):
    """Return the length of the longest strictly increasing sequence that is left of `numbers` when some of them are
    struck out."""

    difficulty = "medium"
    examples: Examples = (([4, 1, 3, 2, 5], 3), ([], 0), ([2, 2], 1))

    class Solution:
        def longest_rise(self, numbers: list[int]) -> int:
            lengths: list[int] = []
            for index, number in enumerate(numbers):
                shorter = [lengths[before] for before in range(index) if numbers[before] < number]
                lengths.append(max(shorter, default=0) + 1)
            return max(lengths, default=0)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 20) for _ in range(size)],)


class SharedThread(Authored):
    """Return the length of the longest text that can be obtained from both `first` and `second` by striking out
    characters."""

    difficulty = "medium"
    examples: Examples = (("abcd", "acbd", 3), ("", "x", 0), ("ab", "ba", 1))

    class Solution:
        def shared_length(self, first: str, second: str) -> int:
            row = [0] * (len(second) + 1)
            for letter in first:
                above = row[:]
                for at, other in enumerate(second, start=1):
                    row[at] = above[at - 1] + 1 if letter == other else max(above[at], row[at - 1])
            return row[-1]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return tuple("".join(rng.choice("abc") for _ in range(rng.randint(1, size))) for _ in range(2))


class TypingSlips(Authored):
    """A slip is a missing, an extra or a wrong letter. Return the smallest number of slips that turn `meant` into
    `typed`."""

    difficulty = "medium"
    examples: Examples = (("stone", "tone", 1), ("", "ab", 2), ("abc", "axd", 2))

    class Solution:
        def slips(self, meant: str, typed: str) -> int:
            row = list(range(len(typed) + 1))
            for i, wanted in enumerate(meant, start=1):
                above, row = row, [i]
                for j, got in enumerate(typed, start=1):
                    row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (wanted != got)))
            return row[-1]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return tuple("".join(rng.choice("abcd") for _ in range(rng.randint(1, size))) for _ in range(2))


class EvenSplit(Authored):
    """Return whether `weights` (positive integers) can be divided between two people so that both carry the same."""

    difficulty = "medium"
    examples: Examples = (([3, 1, 2], True), ([1, 2], False), ([], True))

    class Solution:
        def can_split(self, weights: list[int]) -> bool:
            reachable = {0}
            for weight in weights:
                reachable |= {total + weight for total in reachable}
            return sum(weights) % 2 == 0 and sum(weights) // 2 in reachable

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        weights = [rng.randint(1, 12) for _ in range(min(size, 5))]
        if sum(weights) % 2 and rng.random() < 0.7:
            weights.append(rng.choice([1, 3, 5]))
        return (weights,)


class TileRows(Authored):
    """A path of `length` metres is laid with tiles of one metre, in `colours` colours, so that no two neighbouring
    tiles have the same colour. Return in how many ways; an empty path has one. There is at least one colour."""

    difficulty = "easy"
    examples: Examples = ((3, 2, 2), (0, 5, 1), (2, 3, 6))

    class Solution:
        def ways(self, length: int, colours: int) -> int:
            return 1 if length == 0 else colours * (colours - 1) ** (length - 1)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, size), rng.randint(1, 5))


class SplitIntoWords(Authored):
    """Return whether `text` can be cut into words that all occur in `words`; a word may be used several times. The
    empty text can."""

    difficulty = "medium"
    examples: Examples = (("seasand", ["sea", "sand"], True), ("seas", ["sea"], False), ("", ["a"], True))

    class Solution:
        def can_cut(self, text: str, words: list[str]) -> bool:
            reachable = [True] + [False] * len(text)
            for end in range(1, len(text) + 1):
                reachable[end] = any(
                    len(word) <= end and reachable[end - len(word)] and text[end - len(word) : end] == word
                    for word in words
                )
            return reachable[-1]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        words = ["".join(rng.choice("ab") for _ in range(rng.randint(2, 3))) for _ in range(2)]
        text = "".join(rng.choice(words) for _ in range(size))
        if rng.random() < 0.5:
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice("ab") + text[at + 1 :]
        return (text, words)
