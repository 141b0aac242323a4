"""Counting, with dictionaries and sets."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


class PairsToTarget(Authored):
    """Return how many pairs of indices i < j there are in `numbers` with numbers[i] + numbers[j] equal to `target`."""

    difficulty = "medium"
    examples: Examples = (([1, 3, 2, 2], 4, 2), ([], 0, 0), ([2, 2, 2], 4, 3))

    class Solution:
        def count_pairs(self, numbers: list[int], target: int) -> int:
            seen: dict[int, int] = {}
            pairs = 0
            for number in numbers:
                pairs += seen.get(target - number, 0)
                seen[number] = seen.get(number, 0) + 1
            return pairs

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 6) for _ in range(size)], rng.randint(3, 9))


class VoteWinner(Authored):
    """Each entry of `votes` names a candidate. Return the candidate with the most votes; of candidates with equally
    many, the one who received the first vote earlier. `votes` is not empty."""

    difficulty = "easy"
    examples: Examples = ((["ann", "bob", "bob"], "bob"), (["cy", "ann", "ann", "cy"], "cy"), (["dee"], "dee"))

    class Solution:
        def winner(self, votes: list[str]) -> str:
            return max(dict.fromkeys(votes), key=votes.count)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.choice(["ann", "bob", "cy", "dee"]) for _ in range(size)],)


class MissingTickets(Authored):
    """Tickets are numbered from 1 to `count`; `returned` lists those handed back, some perhaps several times. Return
    the numbers that were not handed back, in increasing order."""

    difficulty = "easy"
    examples: Examples = ((5, [2, 4, 4], [1, 3, 5]), (0, [], []), (2, [1, 2], []))

    class Solution:
        def missing(self, count: int, returned: list[int]) -> list[int]:
            back = set(returned)
            return [ticket for ticket in range(1, count + 1) if ticket not in back]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (size, [rng.randint(1, size) for _ in range(size)])


class LongestChain(Authored):
    """Return the length of the longest chain of whole numbers n, n + 1, n + 2, ... all of which occur in `numbers`,
    in any order."""

    difficulty = "medium"
    examples: Examples = (([5, 1, 3, 4], 3), ([], 0), ([7, 7], 1))

    class Solution:
        def longest_chain(self, numbers: list[int]) -> int:
            present = set(numbers)
            best = 0
            for number in present:
                if number - 1 not in present:
                    length = 1
                    while number + length in present:
                        length += 1
                    best = max(best, length)
            return best

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 2 * size) for _ in range(size)],)


class StretchesWithSum(Authored):
    """Return how many non-empty stretches of neighbouring numbers in `numbers` have the sum `total`."""

    difficulty = "medium"
    examples: Examples = (([1, 1, 1], 2, 2), ([3, -3, 3], 0, 2), ([], 0, 0))

    class Solution:
        def count_stretches(self, numbers: list[int], total: int) -> int:
            seen = {0: 1}
            running = found = 0
            for number in numbers:
                running += number
                found += seen.get(running - total, 0)
                seen[running] = seen.get(running, 0) + 1
            return found

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(-2, 3) for _ in range(size)], rng.randint(0, 3))


class StockTaking(Authored):
    """`moves` is a list of [name, change] pairs of a store that starts empty. Apply them in order; a change that
    would leave a negative amount is refused as a whole. Return a dictionary of all names with a positive amount in
    the end."""

    difficulty = "easy"
    examples: Examples = (
        ([["nut", 3], ["nut", -5], ["nut", -1]], {"nut": 2}),
        ([], {}),
        ([["nut", 1], ["nut", -1]], {}),
    )

    class Solution:
        def stock(self, moves: list[list]) -> dict:
            amounts: dict = {}
            for name, change in moves:
                if amounts.get(name, 0) + change >= 0:
                    amounts[name] = amounts.get(name, 0) + change
            return {name: amount for name, amount in amounts.items() if amount > 0}

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([[rng.choice(["nut", "bolt", "nail"]), rng.randint(-4, 5)] for _ in range(size)],)


class CommonestLast(Authored):
    """Return the numbers of `numbers` ordered by how often they occur, the rarest first; numbers that occur equally
    often are ordered by value. Each number is listed once."""

    difficulty = "easy"
    examples: Examples = (([4, 4, 1], [1, 4]), ([3, 2], [2, 3]), ([], []))

    class Solution:
        def by_frequency(self, numbers: list[int]) -> list[int]:
            return sorted(set(numbers), key=lambda number: (numbers.count(number), number))

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 5) for _ in range(size)],)
