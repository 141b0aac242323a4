"""Sorted order and bisection."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


def _sorted(rng: Random, size: int, high: int) -> list[int]:
    return sorted(rng.randint(0, high) for _ in range(size))


class ShelfPlace(Authored):
    """`shelf` holds book numbers in non-decreasing order. Return the index at which `book` is to be inserted so that
    the order is kept and the new book comes after all equal ones."""

    difficulty = "easy"
    examples: Examples = (([1, 3, 3, 6], 3, 3), ([], 5, 0), ([2], 1, 0))

    class Solution:
        def place(self, shelf: list[int], book: int) -> int:
            low, high = 0, len(shelf)
            while low < high:
                middle = (low + high) // 2
                if shelf[middle] <= book:
                    low = middle + 1
                else:
                    high = middle
            return low

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_sorted(rng, size, size), rng.randint(0, size))


class RootFloor(Authored):
    """Return the largest integer whose cube is at most `volume` (a non-negative integer): the edge of the largest
    whole cube that can be built from that many unit cubes."""

    difficulty = "easy"
    examples: Examples = ((30, 3), (0, 0), (64, 4))

    class Solution:
        def edge(self, volume: int) -> int:
            low, high = 0, volume + 1
            while high - low > 1:
                middle = (low + high) // 2
                if middle**3 <= volume:
                    low = middle
                else:
                    high = middle
            return low

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (rng.randint(0, 4**size),)


class TurnedList(Authored):
    """A list of distinct numbers in increasing order was cut once and its two parts were swapped (perhaps nothing
    changed). Return the index of `wanted` in the result `turned`, or -1."""

    difficulty = "medium"
    examples: Examples = (([4, 7, 9, 1, 2], 1, 3), ([1, 2, 3], 5, -1), ([], 1, -1))

    class Solution:
        def find(self, turned: list[int], wanted: int) -> int:
            low, high = 0, len(turned) - 1
            while low <= high:
                middle = (low + high) // 2
                if turned[middle] == wanted:
                    return middle
                if turned[low] <= turned[middle]:
                    if turned[low] <= wanted < turned[middle]:
                        high = middle - 1
                    else:
                        low = middle + 1
                elif turned[middle] < wanted <= turned[high]:
                    low = middle + 1
                else:
                    high = middle - 1
            return -1

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        numbers = sorted(rng.sample(range(3 * size), size))
        cut = rng.randrange(size)
        wanted = rng.choice(numbers) if rng.random() < 0.75 else rng.randrange(3 * size)
        return (numbers[cut:] + numbers[:cut], wanted)


class ClosestTwo(Authored):
    """Return the smallest difference between any two of the `heights` (there are at least two), taken as a non-negative
    number."""

    difficulty = "easy"
    examples: Examples = (([8, 1, 5], 3), ([4, 4], 0), ([1, 9, 20], 8))

    class Solution:
        def smallest_gap(self, heights: list[int]) -> int:
            ordered = sorted(heights)
            return min(ordered[at] - ordered[at - 1] for at in range(1, len(ordered)))

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 20 * size) for _ in range(size + 2)],)


class SlowestPace(Authored):
    """`piles` are heaps of sand in shovelfuls. Each hour one heap is worked on and loses at most `pace` shovelfuls;
    what is left of the hour after finishing a heap is lost. Return the smallest whole `pace` at which all is gone
    within `hours` hours. There are at least as many hours as heaps, and at least one heap; every heap holds at least
    one shovelful."""

    difficulty = "medium"
    examples: Examples = (([3, 6, 7], 5, 4), ([10], 10, 1), ([5, 5], 2, 5))

    class Solution:
        def slowest_pace(self, piles: list[int], hours: int) -> int:
            low, high = 1, max(piles)
            while low < high:
                middle = (low + high) // 2
                if sum(-(-pile // middle) for pile in piles) <= hours:
                    high = middle
                else:
                    low = middle + 1
            return low

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        piles = [rng.randint(1, 40) for _ in range(size)]
        return (piles, size + rng.randint(0, 2 * size))


class TwoLedgers(Authored):
    """`first` and `second` are lists in non-decreasing order. Return the numbers that occur in both, in
    non-decreasing order, each as often as it occurs in the list where it is rarer."""

    difficulty = "easy"
    examples: Examples = (([1, 2, 2, 5], [2, 2, 2, 5], [2, 2, 5]), ([], [1], []), ([3], [3], [3]))

    class Solution:
        def in_both(self, first: list[int], second: list[int]) -> list[int]:
            shared = []
            i = j = 0
            while i < len(first) and j < len(second):
                if first[i] == second[j]:
                    shared.append(first[i])
                    i, j = i + 1, j + 1
                elif first[i] < second[j]:
                    i += 1
                else:
                    j += 1
            return shared

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_sorted(rng, size, 8), _sorted(rng, rng.randint(1, size + 2), 8))


class KthSmallestSum(Authored):
    """All sums of one number of `first` and one number of `second` are listed in non-decreasing order, equal sums as
    often as they arise. Return the one at position `k`, counted from 1. There are at least `k` sums."""

    difficulty = "medium"
    examples: Examples = (([1, 4], [2, 3], 2, 4), ([0], [5], 1, 5), ([1, 1], [1], 2, 2))

    class Solution:
        def kth_sum(self, first: list[int], second: list[int], k: int) -> int:
            return sorted(left + right for left in first for right in second)[k - 1]

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        first = [rng.randint(0, 30) for _ in range(size)]
        second = [rng.randint(0, 30) for _ in range(rng.randint(1, size))]
        return (first, second, rng.randint(1, len(first) * len(second)))
