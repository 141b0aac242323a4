"""One pass, or nearly one, over a list of numbers."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


def _numbers(rng: Random, size: int, low: int = -9, high: int = 9) -> list[int]:
    return [rng.randint(low, high) for _ in range(size)]


class CalmSpell(Authored):
    """`levels` are water levels, one a day. Return the length in days of the longest stretch of consecutive days
    within which the level never changes by more than one from a day to the next. No days give 0."""

    difficulty = "easy"
    examples: Examples = (([3, 4, 4, 6, 7], 3), ([], 0), ([1, 9, 1], 1))

    class Solution:
        def longest_calm(self, levels: list[int]) -> int:
            best = run = 0
            for day, level in enumerate(levels):
                run = run + 1 if day and abs(level - levels[day - 1]) <= 1 else 1
                best = max(best, run)
            return best

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, 0, 4),)


class BalancePoint(Authored):
    """Return the smallest index at which the sum of the numbers before it equals the sum of the numbers after it, or
    -1 if there is none. The number at the index itself counts on neither side."""

    difficulty = "easy"
    examples: Examples = (([2, 3, 9, 1, 4], 2), ([1, 2], -1), ([5], 0))

    class Solution:
        def balance_index(self, weights: list[int]) -> int:
            total, before = sum(weights), 0
            for index, weight in enumerate(weights):
                if 2 * before + weight == total:
                    return index
                before += weight
            return -1

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        half = _numbers(rng, max(1, size // 2), 0, 5)
        if rng.random() < 0.6:
            other = [*half]
            rng.shuffle(other)
            return ([*half, rng.randint(0, 5), *other],)
        return (_numbers(rng, size, 0, 5),)


class RecordDays(Authored):
    """`takings` are a shop's takings, one a day. A record day takes strictly more than every day before it; the first
    day is one. Return the indices of the record days."""

    difficulty = "easy"
    examples: Examples = (([3, 1, 4, 4, 5], [0, 2, 4]), ([], []), ([9, 8], [0]))

    class Solution:
        def record_days(self, takings: list[int]) -> list[int]:
            records: list[int] = []
            for day, taken in enumerate(takings):
                if not records or taken > takings[records[-1]]:
                    records.append(day)
            return records

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, 0, 40),)


class BestTrade(Authored):
    """`prices` are the prices of one good on successive days. Buy on one day and sell on a later one. Return the
    largest possible gain, or 0 if no trade gains anything."""

    difficulty = "easy"
    examples: Examples = (([5, 2, 8, 1, 6], 6), ([4, 3], 0), ([], 0))

    class Solution:
        def best_gain(self, prices: list[int]) -> int:
            best, cheapest = 0, None
            for price in prices:
                if cheapest is None or price < cheapest:
                    cheapest = price
                best = max(best, price - cheapest)
            return best

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, 1, 60),)


class StrongestStretch(Authored):
    """Return the largest sum that a non-empty stretch of neighbouring numbers in `changes` can have. `changes` is not
    empty."""

    difficulty = "medium"
    examples: Examples = (([2, -5, 3, 4, -1], 7), ([-3, -2], -2), ([6], 6))

    class Solution:
        def strongest(self, changes: list[int]) -> int:
            best = running = changes[0]
            for change in changes[1:]:
                running = max(running + change, change)
                best = max(best, running)
            return best

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size),)


class WithoutSelf(Authored):
    """Return a list whose entry at each index is the product of all numbers in `factors` but the one at that index. The
    product of no numbers is 1."""

    difficulty = "medium"
    examples: Examples = (([2, 3, 5], [15, 10, 6]), ([0, 4], [4, 0]), ([7], [1]))

    class Solution:
        def products_of_others(self, factors: list[int]) -> list[int]:
            products, before, after = [1] * len(factors), 1, 1
            for index, factor in enumerate(factors):
                products[index] *= before
                before *= factor
            for index in range(len(factors) - 1, -1, -1):
                products[index] *= after
                after *= factors[index]
            return products

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, -4, 6),)


class RingShift(Authored):
    """People stand in a ring; `people` lists them from the door on. Everyone moves `steps` places forward (a negative
    number: backward), so that who stood last comes to stand at the door after one step forward. Return the new
    list."""

    difficulty = "easy"
    examples: Examples = (([1, 2, 3, 4], 1, [4, 1, 2, 3]), ([1, 2, 3], -1, [2, 3, 1]), ([], 5, []))

    class Solution:
        def shifted(self, people: list[int], steps: int) -> list[int]:
            if not people:
                return []
            cut = -steps % len(people)
            return people[cut:] + people[:cut]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, 0, 99), rng.randint(-30, 30))


class Valleys(Authored):
    """A valley is an index, neither the first nor the last, whose height is strictly below both of its neighbours'.
    Return the total depth of all valleys, where the depth of a valley is the height of its lower neighbour minus its
    own."""

    difficulty = "easy"
    examples: Examples = (([5, 2, 4, 1, 9], 5), ([1, 2, 3], 0), ([], 0))

    class Solution:
        def total_depth(self, heights: list[int]) -> int:
            depth = 0
            for left, here, right in zip(heights, heights[1:], heights[2:], strict=False):
                if here < left and here < right:
                    depth += min(left, right) - here
            return depth

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, 0, 15),)


class ZigzagTrim(Authored):
    """Make a zigzag of `numbers`: keep the first, then keep each number that differs from the last kept one and
    continues the alternation of up and down (the first change may go either way). Return the kept numbers."""

    difficulty = "medium"
    examples: Examples = (([1, 3, 5, 2, 2, 4], [1, 3, 2, 4]), ([4, 4], [4]), ([], []))

    class Solution:
        def zigzag(self, numbers: list[int]) -> list[int]:
            kept = numbers[:1]
            direction = 0
            for number in numbers[1:]:
                change = (number > kept[-1]) - (number < kept[-1])
                if change and change != direction:
                    kept.append(number)
                    direction = change
            return kept

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_numbers(rng, size, 0, 9),)
