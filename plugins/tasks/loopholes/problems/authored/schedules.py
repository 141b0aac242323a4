"""Intervals, queues of work, and greedy choices."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.loopholes.problems.authored.base import Authored, Examples


def _spans(rng: Random, size: int, reach: int = 3) -> list[list[int]]:
    spans = []
    for _ in range(size):
        start = rng.randint(0, reach * size)
        spans.append([start, start + rng.randint(1, 6)])
    return spans


class JoinedShifts(Authored):
    """`shifts` are [start, end] pairs with start < end, in any order. Shifts that overlap or touch are joined to one.
    Return the joined shifts in order of their start."""

    difficulty = "medium"
    examples: Examples = (([[1, 3], [2, 5], [7, 8]], [[1, 5], [7, 8]]), ([[1, 2], [2, 3]], [[1, 3]]), ([], []))

    class Solution:
        def joined(self, shifts: list[list[int]]) -> list[list[int]]:
            result: list[list[int]] = []
            for start, end in sorted(shifts):
                if result and start <= result[-1][1]:
                    result[-1][1] = max(result[-1][1], end)
                else:
                    result.append([start, end])
            return result

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_spans(rng, size),)


class RoomsNeeded(Authored):
    """`meetings` are [start, end] pairs with start < end. A room is free again at the very moment a meeting ends.
    Return the smallest number of rooms in which all meetings can be held."""

    difficulty = "medium"
    examples: Examples = (([[0, 5], [1, 2], [2, 6]], 2), ([], 0), ([[1, 2], [2, 3]], 1))

    class Solution:
        def rooms(self, meetings: list[list[int]]) -> int:
            moments = sorted([(start, 1) for start, _ in meetings] + [(end, -1) for _, end in meetings])
            used = most = 0
            for _, change in moments:
                used += change
                most = max(most, used)
            return most

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_spans(rng, size, 1),)


class MostTalks(Authored):
    """`talks` are [start, end] pairs with start < end. You listen to whole talks, one at a time; the next may start
    when the last ends. Return the largest number of talks you can hear."""

    difficulty = "medium"
    examples: Examples = (([[0, 4], [1, 2], [2, 3]], 2), ([], 0), ([[5, 6]], 1))

    class Solution:
        def most_talks(self, talks: list[list[int]]) -> int:
            heard, free = 0, float("-inf")
            for start, end in sorted(talks, key=lambda talk: talk[1]):
                if start >= free:
                    heard, free = heard + 1, end
            return heard

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_spans(rng, size, 1),)


class ParkingFee(Authored):
    """A car park charges 3 coins for each hour begun, but never more than 20 coins for one stay. `stays` are lengths
    of stays in minutes (positive). Return the total of all fees."""

    difficulty = "easy"
    examples: Examples = (([60, 61], 9), ([600], 20), ([], 0))

    class Solution:
        def total_fee(self, stays: list[int]) -> int:
            return sum(min(20, 3 * -(-minutes // 60)) for minutes in stays)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.choice([rng.randint(1, 700), 60 * rng.randint(1, 8)]) for _ in range(size)],)


class FerryTrips(Authored):
    """A ferry carries at most two cars at a time, of a total weight of at most `limit`; no car is heavier than that.
    Return the smallest number of trips that brings all `cars` (given by weight) across."""

    difficulty = "medium"
    examples: Examples = (([1, 2, 3], 3, 2), ([], 5, 0), ([4, 4], 5, 2))

    class Solution:
        def trips(self, cars: list[int], limit: int) -> int:
            ordered = sorted(cars)
            light, heavy, trips = 0, len(ordered) - 1, 0
            while light <= heavy:
                if ordered[light] + ordered[heavy] <= limit:
                    light += 1
                heavy -= 1
                trips += 1
            return trips

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(1, 10) for _ in range(size)], rng.randint(10, 13))


class TillQueue(Authored):
    """A shop has `tills` tills (at least one). Customers come in order; each goes to the till that is free first (the
    lowest number of those that are free equally early) and keeps it busy for the given number of minutes. All tills
    are free at minute 0 and all customers are there. Return the minute at which the last one is done."""

    difficulty = "medium"
    examples: Examples = (([3, 2, 2], 2, 4), ([], 3, 0), ([5, 1], 1, 6))

    class Solution:
        def last_minute(self, minutes: list[int], tills: int) -> int:
            free = [0] * tills
            for needed in minutes:
                till = free.index(min(free))
                free[till] += needed
            return max(free)

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(1, 9) for _ in range(size)], rng.randint(1, 4))


class LampCover(Authored):
    """Lamps are to light all `houses` (positions on a street, in any order); a lamp at position p lights every house
    from p - reach to p + reach. Lamps may stand anywhere. Return the smallest number of lamps."""

    difficulty = "medium"
    examples: Examples = (([1, 2, 8], 1, 2), ([], 4, 0), ([0, 10], 5, 1))

    class Solution:
        def lamps(self, houses: list[int], reach: int) -> int:
            count, lit = 0, float("-inf")
            for house in sorted(houses):
                if house > lit:
                    count += 1
                    lit = house + 2 * reach
            return count

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return ([rng.randint(0, 5 * size) for _ in range(size)], rng.randint(0, 4))


class SumOfGaps(Authored):
    """`visits` are [start, end] pairs of a museum's visitors with start < end. Return for how many units of time
    between the first start and the last end nobody was in the museum."""

    difficulty = "easy"
    examples: Examples = (([[1, 2], [5, 6]], 3), ([[0, 4], [1, 2]], 0), ([], 0))

    class Solution:
        def empty_time(self, visits: list[list[int]]) -> int:
            empty, latest = 0, None
            for start, end in sorted(visits):
                if latest is not None:
                    empty += max(0, start - latest)
                latest = end if latest is None else max(latest, end)
            return empty

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        return (_spans(rng, size, 5),)
